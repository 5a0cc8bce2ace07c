use std::io::Write;

use proofpack::bundle::files::Files;
use proofpack::model::ProblemCode;
use proofpack::package::{Package, Source};

use crate::support::packages::{RawMember, RawZip, crc, unsigned_package};

/// Every problem of the archive, that of reading its members included.
fn problems(bytes: Vec<u8>) -> Vec<ProblemCode> {
    let (package, found) = Package::examine(Source::memory(bytes)).unwrap();
    let mut codes: Vec<ProblemCode> = found.into_list().iter().map(|problem| problem.code).collect();
    if package.list().keys().any(|name| package.read(name, 1 << 24).is_err()) {
        codes.push(ProblemCode::ZipData);
    }
    codes
}

fn good() -> RawZip {
    RawZip::of(vec![
        RawMember::stored("top/a", b"first"),
        RawMember::new("top/b", 8, deflate(b"second"), 6, crc(b"second")),
        RawMember::stored("top/c", b"third"),
    ])
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[track_caller]
fn expect(zip: &RawZip, code: ProblemCode) {
    let found = problems(zip.bytes());
    assert!(found.contains(&code), "{} is not among {found:?}", code.id());
}

/// Both headers of a member at once; positions are those of the local header.
fn both(member: &mut RawMember, at: usize, bytes: &[u8]) {
    member.local[at..at + bytes.len()].copy_from_slice(bytes);
    member.central[at + 2..at + 2 + bytes.len()].copy_from_slice(bytes);
}

#[test]
fn the_archive_that_the_others_are_made_of_is_good() {
    assert_eq!(problems(good().bytes()), []);
}

#[test]
fn names_that_lead_elsewhere() {
    for name in [
        "../a",
        "top/../../a",
        "/top/a",
        "C:/a",
        "top\\a",
        "..\\a",
        "top/a/",
        "top/é",
        "top/\u{65}\u{301}",
        "",
        "top/a\0",
    ] {
        expect(&RawZip::of(vec![RawMember::stored(name, b"x")]), ProblemCode::ZipName);
    }
}

#[test]
fn names_that_are_there_twice() {
    let twice =
        |one: &str, two: &str| RawZip::of(vec![RawMember::stored(one, b"x"), RawMember::stored(two, b"y")]);
    expect(&twice("top/a", "top/a"), ProblemCode::ZipTwin);
    expect(&twice("top/A", "top/a"), ProblemCode::ZipTwin);
    expect(&twice("top/b", "top/a"), ProblemCode::ZipOrder);
}

#[test]
fn bytes_around_and_between() {
    let mut zip = good();
    zip.prefix = b"#!/bin/sh\n".to_vec();
    expect(&zip, ProblemCode::ZipLayout);
    let mut zip = good();
    zip.suffix = b"x".to_vec();
    expect(&zip, ProblemCode::ZipTrailingBytes);
    let mut zip = good();
    zip.gap = b"between".to_vec();
    expect(&zip, ProblemCode::ZipLayout);
    let mut zip = good();
    zip.members[0].data.extend(b"between");
    expect(&zip, ProblemCode::ZipLayout);
    let mut zip = good();
    zip.members[2].offset = Some(0);
    expect(&zip, ProblemCode::ZipLayout);
    // Two archives in one: readers take the second.
    let two = [good().bytes(), good().bytes()].concat();
    assert!(problems(two).contains(&ProblemCode::ZipLayout));
    // The same with offsets that count from the first one's start.
    let mut zip = good();
    zip.gap = good().bytes();
    expect(&zip, ProblemCode::ZipLayout);
    // An archive hidden in the comment of another.
    let mut zip = good();
    zip.comment = Some(good().bytes());
    let found = problems(zip.bytes());
    assert!(found.contains(&ProblemCode::ZipLayout) || found.contains(&ProblemCode::ZipComment), "{found:?}");
}

#[test]
fn headers_that_contradict_each_other() {
    for (at, bytes) in [
        (4, vec![45]),
        (6, vec![2]),
        (8, vec![8]),
        (10, vec![9]),
        (12, vec![9]),
        (14, vec![9]),
        (18, vec![9]),
        (22, vec![9]),
        (30, b"other".to_vec()),
    ] {
        let mut zip = good();
        zip.members[0].local[at..at + bytes.len()].copy_from_slice(&bytes);
        expect(&zip, ProblemCode::ZipMismatch);
        let mut zip = good();
        let central = if at == 30 { 46 } else { at + 2 };
        zip.members[0].central[central..central + bytes.len()].copy_from_slice(&bytes);
        expect(&zip, ProblemCode::ZipMismatch);
    }
    let mut zip = good();
    zip.members[1].local[26..28].copy_from_slice(&4_u16.to_le_bytes());
    expect(&zip, ProblemCode::ZipMismatch);
}

#[test]
fn fields_that_proofpack_never_writes() {
    for (at, bytes) in [(4, 45_u16), (10, 1), (12, 0x22)] {
        let mut zip = good();
        both(&mut zip.members[0], at, &bytes.to_le_bytes());
        expect(&zip, ProblemCode::ZipHeader);
    }
    // Made by, disk, internal attributes, external attributes: a symbolic link among them.
    for (at, bytes) in [
        (4, vec![0]),
        (5, vec![0]),
        (34, vec![1]),
        (36, vec![1]),
        (38, (0o120_777_u32 << 16).to_le_bytes().to_vec()),
    ] {
        let mut zip = good();
        zip.members[0].central[at..at + bytes.len()].copy_from_slice(&bytes);
        expect(&zip, ProblemCode::ZipHeader);
    }
}

#[test]
fn features_that_proofpack_never_uses() {
    for flag in [1_u16, 1 << 3, 1 << 11] {
        let mut zip = good();
        both(&mut zip.members[0], 6, &flag.to_le_bytes());
        expect(&zip, ProblemCode::ZipFeature);
    }
    let mut zip = good();
    both(&mut zip.members[0], 8, &12_u16.to_le_bytes());
    expect(&zip, ProblemCode::ZipFeature);
    // Extra fields in the local header, in the central directory, and a comment.
    let mut zip = good();
    zip.members[0].local[28] = 4;
    zip.members[0].local.extend([1, 2, 0, 0]);
    expect(&zip, ProblemCode::ZipFeature);
    for at in [30, 32] {
        let mut zip = good();
        zip.members[0].central[at] = 4;
        zip.members[0].central.extend([1, 2, 0, 0]);
        expect(&zip, ProblemCode::ZipFeature);
    }
    let mut zip = good();
    both(&mut zip.members[0], 18, &u32::MAX.to_le_bytes());
    expect(&zip, ProblemCode::ZipFeature);
}

#[test]
fn an_end_record_that_lies() {
    type Edit = fn(&mut [u8]);
    let edits: [(Edit, ProblemCode); 7] = [
        (|end| end[4] = 1, ProblemCode::ZipEndRecord),
        (|end| end[6] = 1, ProblemCode::ZipEndRecord),
        (|end| end[8] = 1, ProblemCode::ZipEndRecord),
        (
            |end| {
                end[8] = 9;
                end[10] = 9
            },
            ProblemCode::ZipEndRecord,
        ),
        (|end| end[12] ^= 1, ProblemCode::ZipLayout),
        (|end| end[16] ^= 1, ProblemCode::ZipLayout),
        (|end| end[16..20].copy_from_slice(&[0xff; 4]), ProblemCode::ZipFeature),
    ];
    for (edit, code) in edits {
        let mut zip = good();
        zip.end = Box::new(edit);
        expect(&zip, code);
    }
    let mut zip = good();
    zip.comment = Some(vec![]);
    expect(&zip, ProblemCode::ZipComment);
    let mut zip = good();
    zip.comment = Some(format!("proofpack-sha256:{}", "0".repeat(64)).into_bytes());
    expect(&zip, ProblemCode::ZipDigest);
}

#[test]
fn data_that_is_not_what_its_header_says() {
    let mut zip = good();
    zip.members[0].data = b"Xirst".to_vec();
    expect(&zip, ProblemCode::ZipData);
    // Bytes behind the deflate stream, inside the member.
    let mut data = deflate(b"second");
    data.extend(b"hidden");
    expect(&RawZip::of(vec![RawMember::new("top/b", 8, data, 6, crc(b"second"))]), ProblemCode::ZipData);
    for size in [5, 7] {
        expect(
            &RawZip::of(vec![RawMember::new("top/b", 8, deflate(b"second"), size, crc(b"second"))]),
            ProblemCode::ZipData,
        );
    }
    expect(
        &RawZip::of(vec![RawMember::new("top/b", 8, vec![0xff; 8], 6, crc(b"second"))]),
        ProblemCode::ZipData,
    );
}

#[test]
fn bombs_are_named_and_not_expanded() {
    let zeros = vec![0; 8 << 20];
    let data = deflate(&zeros);
    let bomb = RawZip::of(vec![RawMember::new("top/b", 8, data.clone(), zeros.len(), crc(&zeros))]);
    expect(&bomb, ProblemCode::ZipSize);
    let (package, _) = Package::examine(Source::memory(bomb.bytes())).unwrap();
    assert!(package.list().is_empty(), "a bomb must not be readable");
    // One that lies about its size stops at the size it claims.
    let liar = RawZip::of(vec![RawMember::new("top/b", 8, data, 1000, crc(&zeros))]);
    expect(&liar, ProblemCode::ZipData);
    // Too much in sum, and too much in one member.
    let many =
        (10..45).map(|n| RawMember::new(&format!("top/{n}"), 8, vec![0; 64], 2_000_000_000, 0)).collect();
    expect(&RawZip::of(many), ProblemCode::ZipSize);
}

#[test]
fn what_is_cut_off_is_refused_at_every_byte() {
    let bytes = good().bytes();
    for length in 0..bytes.len() {
        assert!(!problems(bytes[..length].to_vec()).is_empty(), "cut to {length} bytes");
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let bytes = good().bytes();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[position] ^= 1 << bit;
            assert!(!problems(altered).is_empty(), "byte {position}, bit {bit}");
        }
    }
}

#[test]
fn every_flipped_byte_of_a_real_package_is_found() {
    let home = tempfile::tempdir().unwrap();
    let (zip, _) = unsigned_package(home.path(), "package.zip");
    let mut bytes = std::fs::read(&zip).unwrap();
    for position in 0..bytes.len() {
        bytes[position] ^= 0x20;
        let (_, found) = Package::examine(Source::memory(bytes.clone())).unwrap();
        assert!(!found.is_empty(), "byte {position}");
        bytes[position] ^= 0x20;
    }
}

#[test]
fn bytes_that_are_no_archive_are_refused() {
    for bytes in [&b""[..], b"PK", b"hello", &[0x50, 0x4b, 5, 6], &[0; 200_000]] {
        assert!(problems(bytes.to_vec()).contains(&ProblemCode::ZipEndRecord));
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(seed in proptest::collection::vec((0_usize..10_000, 0_u8..=255), 1..12)) {
        let mut bytes = good().bytes();
        for (position, byte) in seed {
            let position = position % bytes.len();
            bytes[position] = byte;
        }
        let _ = problems(bytes);
    }
}
