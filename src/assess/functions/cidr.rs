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

    proptest! {
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
