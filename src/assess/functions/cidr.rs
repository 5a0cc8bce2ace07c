//! Address ranges in CIDR notation (RFC 4632, RFC 4291).

use std::net::{IpAddr, Ipv6Addr};

/// Ranges broader than these count as the whole Internet: the measure of the S3 User Guide for public
/// bucket policies ("broader than /8 for IPv4 and /32 for IPv6").
const NARROWEST_WORLD_V4: u8 = 7;
const NARROWEST_WORLD_V6: u8 = 31;

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    address: IpAddr,
    prefix: u8,
}

/// A text that is not a range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address range in CIDR notation")]
pub(crate) struct CidrError(String);

impl Cidr {
    /// Reads `10.0.0.0/8`, `::/0`; an address alone is the range of that address.
    ///
    /// # Errors
    /// When the text is neither.
    pub(crate) fn parse(text: &str) -> Result<Self, CidrError> {
        let wrong = || CidrError(text.chars().take(60).collect());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse::<u8>().ok().filter(|prefix| *prefix <= longest).ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
        };
        Ok(Self { address, prefix })
    }

    /// Whether the range is so broad that it lets in the Internet.
    pub(crate) fn is_world(&self) -> bool {
        match self.address {
            IpAddr::V4(_) => self.prefix <= NARROWEST_WORLD_V4,
            IpAddr::V6(address) => self.prefix <= NARROWEST_WORLD_V6 && !self.is_local(address),
        }
    }

    /// Whether every address of `inner` is one of these. Of bits beyond a prefix nothing is made: AWS ignores them.
    /// An IPv4 range contains no IPv6 one, nor the other way round.
    pub(crate) fn contains(&self, inner: &Self) -> bool {
        let prefix = u32::from(self.prefix);
        self.prefix <= inner.prefix
            && match (self.address, inner.address) {
                (IpAddr::V4(outer), IpAddr::V4(inner)) => {
                    let beyond = 32 - prefix;
                    outer.to_bits().checked_shr(beyond) == inner.to_bits().checked_shr(beyond)
                }
                (IpAddr::V6(outer), IpAddr::V6(inner)) => {
                    let beyond = 128 - prefix;
                    outer.to_bits().checked_shr(beyond) == inner.to_bits().checked_shr(beyond)
                }
                _ => false,
            }
    }

    /// Unique local and link-local ranges (RFC 4193, RFC 4291), which are broad but not routed.
    fn is_local(&self, address: Ipv6Addr) -> bool {
        let first = address.segments()[0];
        (self.prefix >= 7 && first & 0xfe00 == 0xfc00) || (self.prefix >= 10 && first & 0xffc0 == 0xfe80)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broad_ranges_are_the_world_and_private_ones_are_not() {
        for world in ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/7", "2000::/3", "2001::/31"] {
            assert!(Cidr::parse(world).unwrap().is_world(), "{world}");
        }
        for narrow in
            ["10.0.0.0/8", "203.0.113.7/32", "203.0.113.7", "fc00::/7", "fe80::/10", "2001:db8::/32"]
        {
            assert!(!Cidr::parse(narrow).unwrap().is_world(), "{narrow}");
        }
    }

    #[test]
    fn what_is_not_a_range_is_refused() {
        for wrong in
            ["", "0.0.0.0/", "0.0.0.0/33", "::/129", "0.0.0.0/+0", "0.0.0.0/0/0", "1.2.3/8", "pl-1", "/0"]
        {
            assert!(Cidr::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_range_contains_what_lies_within_it() {
        let contains =
            |outer: &str, inner: &str| Cidr::parse(outer).unwrap().contains(&Cidr::parse(inner).unwrap());
        for (outer, inner) in [
            ("10.0.0.0/8", "10.255.0.0/16"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "255.255.255.255"),
            ("::/0", "2001:db8::/32"),
            ("2001:db8::/32", "2001:db8:ffff::1"),
            ("203.0.113.7", "203.0.113.7/32"),
        ] {
            assert!(contains(outer, inner), "{outer} {inner}");
        }
        for (outer, inner) in [
            ("10.0.0.0/8", "11.0.0.0/16"),
            ("10.0.0.0/16", "10.0.0.0/8"),
            ("0.0.0.0/0", "::/0"),
            ("::/0", "10.0.0.0/8"),
            ("2001:db8::/33", "2001:db8:8000::/33"),
        ] {
            assert!(!contains(outer, inner), "{outer} {inner}");
        }
    }

    proptest! {
        #[test]
        fn ranges_are_nested_or_apart(a: u32, b: u32, p in 0_u8..=32, q in 0_u8..=32) {
            let at = |bits: u32, prefix: u8| {
                Cidr::parse(&format!("{}/{prefix}", std::net::Ipv4Addr::from(bits))).unwrap()
            };
            let (one, other) = (at(a, p), at(b, q));
            let first = |bits: u32, prefix: u8| u64::from(bits) >> (32 - prefix) << (32 - prefix);
            let last = |bits: u32, prefix: u8| first(bits, prefix) + (1_u64 << (32 - prefix)) - 1;
            let within = first(a, p) <= first(b, q) && last(b, q) <= last(a, p);
            prop_assert_eq!(one.contains(&other), within);
            let meet = first(a, p) <= last(b, q) && first(b, q) <= last(a, p);
            prop_assert_eq!(one.contains(&other) || other.contains(&one), meet);
        }

        #[test]
        fn reading_never_panics(text in ".{0,50}") {
            let _ = Cidr::parse(&text);
        }

        #[test]
        fn a_narrower_range_is_never_more_of_the_world(bits: u32, prefix in 0_u8..32) {
            let at = |prefix: u8| Cidr::parse(&format!("{}/{prefix}", std::net::Ipv4Addr::from(bits))).unwrap();
            prop_assert!(at(prefix).is_world() || !at(prefix + 1).is_world());
        }
    }
}
