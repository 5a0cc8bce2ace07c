//! Annexes: an index of evidence that is too long for the report goes into PDF files of its own, which the report carries as
//! attachments. So it is signed with the report, and nothing of it is left out.

use serde_json::{Map, Value, json};

/// The most lines of evidence that the report itself lists, and the most of one annex: a layout's memory grows with them.
pub(super) const MOST_LINES: usize = 5_000;

/// An annex that is to be rendered.
#[derive(Debug)]
pub(super) struct Annex {
    /// Name of the file.
    pub(super) name: String,
    /// What the template is told, of which the index is a part.
    pub(super) data: Value,
}

/// Takes the index out of a report's data where it has more than `most` lines. The data tell of the annexes then.
pub(super) fn take(data: &mut Value, most: usize) -> Vec<Annex> {
    let is_too_long = data["evidence"].as_array().is_some_and(|files| lines(files) > most);
    let parts = match data["evidence"].take() {
        Value::Array(files) if is_too_long => parts(files, most.max(1)),
        fitting => {
            data["evidence"] = fitting;
            Vec::new()
        }
    };
    let mut annexes = Vec::new();
    let mut told = Vec::new();
    for (files, number) in parts.into_iter().zip(1..) {
        let name = format!("evidence-index-{number:02}.pdf");
        let path = |file: Option<&Value>| file.map_or(Value::Null, |file| file["path"].clone());
        told.push(json!({
            "name": name, "lines": lines(&files), "first": path(files.first()), "last": path(files.last()),
        }));
        let mut own = Map::new();
        for section in ["cover", "scope"] {
            own.insert(section.to_owned(), data[section].clone());
        }
        own.insert("evidence".to_owned(), Value::Array(files));
        own.insert("annexes".to_owned(), json!([]));
        annexes.push(Annex { name, data: Value::Object(own) });
    }
    if !annexes.is_empty() {
        data["evidence"] = json!([]);
    }
    data["annexes"] = Value::Array(told);
    annexes
}

fn records(file: &Value) -> &[Value] {
    file["records"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn lines(files: &[Value]) -> usize {
    files.iter().map(|file| records(file).len()).sum()
}

/// The files in parts of at most so many lines; a file that is longer goes on in the next part.
fn parts(files: Vec<Value>, most: usize) -> Vec<Vec<Value>> {
    let mut parts: Vec<Vec<Value>> = Vec::new();
    let mut room = 0;
    for mut file in files {
        let Value::Array(mut left) = file["records"].take() else { continue };
        while !left.is_empty() {
            if room == 0 {
                parts.push(Vec::new());
                room = most;
            }
            let rest = left.split_off(room.min(left.len()));
            room -= left.len();
            let mut part = file.clone();
            part["records"] = Value::Array(left);
            if let Some(last) = parts.last_mut() {
                last.push(part);
            }
            left = rest;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(files: &[usize]) -> Value {
        let mut next = 0;
        let mut file = |(at, count): (usize, &usize)| {
            let records: Vec<usize> = (next..next + count).collect();
            next += count;
            json!({ "path": format!("data/{at}"), "records": records })
        };
        let files: Vec<Value> = files.iter().enumerate().map(&mut file).collect();
        json!({ "cover": "c", "scope": "s", "controls": "many", "evidence": files })
    }

    #[test]
    fn an_index_that_fits_stays_where_it_is() {
        let mut all = data(&[2, 3]);
        assert!(take(&mut all, 5).is_empty());
        assert_eq!((lines(all["evidence"].as_array().unwrap()), &all["annexes"]), (5, &json!([])));
    }

    #[test]
    fn one_that_does_not_is_divided_and_every_line_is_there_once_in_its_order() {
        let mut all = data(&[2, 7, 0, 1]);
        let annexes = take(&mut all, 4);
        assert_eq!(all["evidence"], json!([]));
        let told: Vec<&Value> = all["annexes"].as_array().unwrap().iter().map(|one| &one["lines"]).collect();
        assert_eq!(told, [4, 4, 2]);
        assert_eq!(annexes[2].name, "evidence-index-03.pdf");
        assert!(annexes[0].data.get("controls").is_none());
        let every: Vec<Value> = annexes
            .iter()
            .flat_map(|annex| annex.data["evidence"].as_array().unwrap())
            .flat_map(|file| records(file).to_vec())
            .collect();
        assert_eq!(every, (0..10).map(Value::from).collect::<Vec<_>>());
        assert_eq!(all["annexes"][1]["first"], "data/1");
    }
}
