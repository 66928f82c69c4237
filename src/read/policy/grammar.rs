//! The grammar of allowances: one text to one or more [`Allowance`]s.
//!
//! In: a text from a compose file, a label, a policy file or the command line. Out: what it allows, or the first thing wrong with
//! it and where. Not here: where texts come from, and what an allowance is about.
//!
//! ```text
//! list       = [ allowance ] { ( ";" | line break ) [ allowance ] }
//! allowance  = ports { limit }                         at most one source limit and one interface limit, in either order
//! ports      = "any" | port [ "-" port ] [ "/" protocol ]            without a protocol: tcp
//! protocol   = "tcp" | "udp" | "sctp"
//! limit      = "from" source { "," source } | "in" interface
//!            | "@" source { "," source } | "@" interface             the compact form, for command lines
//! source     = address [ "/" prefix length ]                         without a length: that one address
//! ```
//!
//! In a port mapping, which names its port itself, `ports` may also be `allow` or be left out before a limit.

use crate::model::policy::{Allowance, PortSelector};
use crate::model::publication::PortRange;
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::Range;
use std::str::FromStr;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (column {})", .span.start + 1)]
pub struct Misread {
    /// The bytes of the text that are meant.
    pub span: Range<usize>,
    /// One sentence, lower case, subject first.
    pub message: String,
    /// What to write instead, if that is known.
    pub help: Option<String>,
}

/// What the text is about: decides whether it has to name a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Whatever ports it names.
    Ports,
    /// One publication, which has a port already: `allow`, `from 10.0.0.0/8` say enough.
    Publication,
}

impl FromStr for Allowance {
    type Err = Misread;

    /// Reads exactly one allowance.
    fn from_str(text: &str) -> Result<Self, Misread> {
        allowance(text, About::Ports)
    }
}

/// Reads a list: allowances between semicolons and line breaks. Each comes with its bytes in `text`; empty ones are left out.
pub fn list(text: &str, about: About) -> Vec<(Range<usize>, Result<Allowance, Misread>)> {
    let mut start = 0;
    let mut found = Vec::new();
    for piece in text.split([';', '\n']) {
        let trimmed = piece.trim();
        if !trimmed.is_empty() {
            let at = start + (piece.len() - piece.trim_start().len());
            let read = allowance(trimmed, about).map_err(|misread| misread.shifted(at));
            found.push((at..at + trimmed.len(), read));
        }
        start += piece.len() + 1;
    }
    found
}

/// Reads one allowance.
///
/// # Errors
/// The first thing that is not of the grammar.
pub fn allowance(text: &str, about: About) -> Result<Allowance, Misread> {
    let mut cursor = Cursor { text, at: 0 };
    let ports = ports(&mut cursor, about)?;
    let mut allowance = Allowance { ports, from: Vec::new(), interface: None };
    while let Some(limit) = cursor.limit()? {
        let is_source = match limit {
            Limit::From => true,
            Limit::In => false,
            Limit::At => looks_like_address(cursor.peek_word()),
        };
        let given_twice = if is_source { !allowance.from.is_empty() } else { allowance.interface.is_some() };
        if given_twice {
            let (what, help) = if is_source {
                ("sources are given twice", "write them once, between commas: `from 10.0.0.0/8, 192.0.2.7`")
            } else {
                ("interfaces are given twice", "write one allowance for each interface, between semicolons")
            };
            return Err(cursor.misread(cursor.rest(), what).help(help));
        }
        if is_source {
            allowance.from = sources(&mut cursor)?;
        } else {
            allowance.interface = Some(interface(&mut cursor)?);
        }
    }
    Ok(allowance)
}

impl Misread {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn shifted(self, by: usize) -> Self {
        Self { span: self.span.start + by..self.span.end + by, ..self }
    }
}

/// How a limit is introduced.
enum Limit {
    From,
    In,
    At,
}

/// A text and how far it is read.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// The bytes up to the next blank, comma or `@`, past blanks; they are not taken.
    fn peek_word(&mut self) -> &'a str {
        self.skip_blanks();
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | '@' | ';')).unwrap_or(rest.len());
        &rest[..end]
    }

    /// The next word and its bytes.
    fn word(&mut self) -> (&'a str, Range<usize>) {
        let word = self.peek_word();
        let start = self.at;
        self.at += word.len();
        (word, start..self.at)
    }

    fn eat(&mut self, sign: char) -> bool {
        self.skip_blanks();
        let eaten = self.text[self.at..].starts_with(sign);
        self.at += if eaten { sign.len_utf8() } else { 0 };
        eaten
    }

    fn rest(&self) -> Range<usize> {
        self.at..self.text.len()
    }

    /// Takes what introduces a limit; None at the end of the text.
    fn limit(&mut self) -> Result<Option<Limit>, Misread> {
        if self.eat('@') {
            return Ok(Some(Limit::At));
        }
        if self.at == self.text.len() {
            return Ok(None);
        }
        match self.word() {
            ("from", _) => Ok(Some(Limit::From)),
            ("in", _) => Ok(Some(Limit::In)),
            ("", _) => {
                Err(self.misread(self.rest(), "one allowance names one port or one range").help("put `;` between allowances"))
            }
            (word, span) => Err(self
                .misread(span, format!("`{word}` is not understood here"))
                .help("a limit is `from ADDRESS` or `in INTERFACE`")),
        }
    }

    fn misread(&self, span: Range<usize>, message: impl Into<String>) -> Misread {
        debug_assert!(span.end <= self.text.len());
        Misread::new(span, message)
    }
}

fn ports(cursor: &mut Cursor, about: About) -> Result<PortSelector, Misread> {
    let word = cursor.peek_word();
    if about == About::Publication {
        let starts_with_limit = matches!(word, "from" | "in") || cursor.text[cursor.at..].starts_with('@');
        if starts_with_limit {
            return Ok(PortSelector::Any);
        }
    }
    let (word, span) = cursor.word();
    match word {
        "any" => Ok(PortSelector::Any),
        "allow" if about == About::Publication => Ok(PortSelector::Any),
        "" | "allow" | "from" | "in" => {
            Err(cursor.misread(span, "the allowance names no port").help("write a host port, as in `443/tcp`, or `any`"))
        }
        _ => numbered(word, span),
    }
}

/// `443`, `443/tcp`, `8000-8010/udp`
fn numbered(word: &str, span: Range<usize>) -> Result<PortSelector, Misread> {
    let (numbers, protocol) = word.split_once('/').map_or((word, None), |(numbers, protocol)| (numbers, Some(protocol)));
    if numbers.contains(':') {
        return Err(
            Misread::new(span, format!("`{word}` is a mapping")).help("an allowance names the host port alone, as in `8080/tcp`")
        );
    }
    let (first, last) = numbers.split_once('-').map_or((numbers, None), |(first, last)| (first, Some(last)));
    let first_port = port(first, span.start)?;
    let last_port = last.map_or(Ok(first_port), |last| port(last, span.start + first.len() + 1))?;
    if last_port < first_port {
        let misread = Misread::new(span.start..span.start + numbers.len(), format!("the range {numbers} runs backwards"));
        return Err(misread.help(format!("write `{last_port}-{first_port}`")));
    }
    let protocol = protocol.map_or(Ok("tcp"), |name| checked_protocol(name, numbers, span.start + numbers.len() + 1))?;
    Ok(PortSelector::Ports { ports: PortRange { first: first_port, last: last_port }, protocol: protocol.to_owned() })
}

fn port(digits: &str, at: usize) -> Result<u32, Misread> {
    let span = at..at + digits.len();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misread::new(span, format!("`{digits}` is no port")).help("write a host port, as in `443/tcp`, or `any`"));
    }
    if digits.starts_with('0') && digits.len() > 1 {
        let help = "other readers take a leading zero for octal";
        return Err(Misread::new(span, format!("the port {digits} starts with a zero")).help(help));
    }
    match digits.parse::<u32>() {
        Ok(port @ 1..=65535) => Ok(port),
        _ => Err(Misread::new(span, format!("{digits} is no port: ports are 1 to 65535"))),
    }
}

fn checked_protocol<'a>(name: &'a str, numbers: &str, at: usize) -> Result<&'a str, Misread> {
    if matches!(name, "tcp" | "udp" | "sctp") {
        return Ok(name);
    }
    let misread = Misread::new(at..at + name.len(), format!("`{name}` is no protocol"));
    let lower = name.to_ascii_lowercase();
    Err(match lower.as_str() {
        "tcp" | "udp" | "sctp" => misread.help(format!("protocols are written in lower case: `{lower}`")),
        "tcp+udp" | "tcp/udp" | "udp+tcp" | "both" => {
            misread.help(format!("write two allowances: `{numbers}/tcp; {numbers}/udp`"))
        }
        _ => misread.help("the protocols are `tcp`, `udp` and `sctp`"),
    })
}

fn sources(cursor: &mut Cursor) -> Result<Vec<IpNet>, Misread> {
    let mut sources = Vec::new();
    loop {
        let (word, span) = cursor.word();
        sources.push(source(word, span)?);
        if !cursor.eat(',') {
            return Ok(sources);
        }
    }
}

/// `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`
fn source(word: &str, span: Range<usize>) -> Result<IpNet, Misread> {
    let (address_text, length) = word.split_once('/').map_or((word, None), |(address, length)| (address, Some(length)));
    let Ok(address) = address_text.parse::<IpAddr>() else {
        return Err(no_address(word, address_text, span));
    };
    if let IpAddr::V4(v4) = address.to_canonical()
        && address.is_ipv6()
    {
        let misread = Misread::new(span, format!("{address} is a v4 address in v6 form: no packet carries it"));
        return Err(misread.help(format!("write `{v4}`")));
    }
    let most = if address.is_ipv4() { 32 } else { 128 };
    let Some(length) = length else { return Ok(IpNet::from(address)) };
    let is_decimal = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let bits = length.parse::<u8>().ok().filter(|bits| is_decimal && *bits <= most);
    let Some(net) = bits.and_then(|bits| IpNet::new(address, bits).ok()) else {
        let at = span.start + address_text.len() + 1;
        return Err(Misread::new(at..span.end, format!("`{length}` is no prefix length: here they are 0 to {most}")));
    };
    if net.addr() != net.network() {
        let misread = Misread::new(span, format!("{word} has host bits set"));
        return Err(misread.help(format!("the network is `{}`, the one address is `{address}`", net.trunc())));
    }
    Ok(net)
}

fn no_address(word: &str, address: &str, span: Range<usize>) -> Misread {
    if word.is_empty() {
        return Misread::new(span, "an address is missing").help("write a source, as in `from 10.0.0.0/8`");
    }
    let misread = Misread::new(span, format!("`{word}` is no address"));
    match address.split_once('%') {
        Some((_, zone)) => misread.help(format!("name the interface apart: `in {zone}`")),
        None => misread.help("sources are v4 or v6 addresses or prefixes; names are not looked up"),
    }
}

/// True if a word after `@` can only be meant as an address: interface names have neither `:` nor `/`, and one of digits and dots
/// alone is a mistyped address rather than an interface.
fn looks_like_address(word: &str) -> bool {
    word.contains([':', '/']) || word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// An interface name: what the kernel takes (`dev_valid_name` in net/core/dev.c: 1 to 15 bytes, no `/`, no `:`, no blank, not `.` or
/// `..`), less what the grammar or a rule set would read as something else.
fn interface(cursor: &mut Cursor) -> Result<String, Misread> {
    let (name, span) = cursor.word();
    if name.is_empty() {
        return Err(Misread::new(span, "an interface is missing").help("write its name, as in `in wg0`"));
    }
    if name.contains(['+', '*']) {
        let help = "the name is taken exactly; write one allowance for each interface";
        return Err(Misread::new(span, format!("the interface `{name}` has a wildcard")).help(help));
    }
    if name.len() > 15 {
        return Err(Misread::new(span, format!("the interface `{name}` is longer than the 15 bytes that the kernel allows")));
    }
    let is_plain = name.bytes().all(|byte| byte.is_ascii_graphic() && !b"/:\"'\\`".contains(&byte));
    if !is_plain || matches!(name, "." | "..") {
        return Err(Misread::new(span, format!("`{name}` is no interface name")));
    }
    if cursor.eat(',') {
        let help = "write one allowance for each interface, between semicolons";
        return Err(Misread::new(cursor.at - 1..cursor.text.len(), "an allowance names one interface").help(help));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests;
