//! `ports` lists to publications and bindings.
//!
//! In: the merged list of a service. Out: publications in the order of the loader, each repeated identity kept once, and what Compose
//! refuses (compose-go `transform/ports.go`, `override/uncity.go`, `validation/validation.go`).

use super::entry::{self, Short};
use super::shape::EXTENSION;
use super::value::{Data, Map, Text, Value};
use crate::model::origin::Hop;
use crate::model::project::{Problem, ProblemKind};
use crate::model::publication::{Binding, Entry, Form, PortRange, Publication, Published};
use crate::model::source::Place;
use crate::read::yaml::Style;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The keys of the long syntax, `x-…` aside (compose-go `schema/compose-spec.json`).
const LONG_KEYS: [&str; 7] = ["target", "published", "host_ip", "protocol", "mode", "name", "app_protocol"];

/// The publications of a service, and their bindings.
#[derive(Debug, Default)]
pub struct Ports {
    pub publications: Vec<Publication>,
    pub bindings: Vec<Binding>,
}

/// How many bindings of a project are spelt out: four times all ports there are. A short text can ask for many more.
pub const MAX_BINDINGS: usize = 1 << 18;

/// Resolves the `ports` of `service`. At most `bindings_left` bindings are made, and taken off it.
pub fn resolve(service: &Arc<str>, value: &Value, bindings_left: &mut usize, problems: &mut Vec<Problem>) -> Ports {
    let mut reader = Reader { service, problems, bindings_left, out: Ports::default(), identities: HashMap::new() };
    match &value.data {
        Data::List(items) => items.iter().for_each(|item| reader.item(item)),
        Data::Unread => {}
        _ => reader.refuse(&value.key.clone().unwrap_or_else(|| value.origin.place.clone()), "ports must be a list".to_owned()),
    }
    reader.drop_replaced();
    reader.out
}

struct Reader<'a> {
    service: &'a Arc<str>,
    problems: &'a mut Vec<Problem>,
    bindings_left: &'a mut usize,
    out: Ports,
    /// The identity of a binding, and which binding has it.
    identities: HashMap<String, usize>,
}

/// A published port as the loader keeps it: the identity tells an int from a text (`fmt.Sprintf("%s")` of a Go int).
struct Pair {
    published: Option<String>,
    is_number: bool,
    target: u32,
}

impl Reader<'_> {
    fn item(&mut self, item: &Value) {
        let place = &item.origin.place;
        match &item.data {
            Data::Integer(number) => self.short(item, &number.to_string(), Form::Number),
            Data::Text(text) => self.short(item, &text.content, form(text)),
            Data::Map(map) => self.long(item, map),
            Data::Unread => {}
            Data::Float => self.refuse(place, "a port cannot be a number with a fraction, or one that YAML reads so".to_owned()),
            _ => self.refuse(place, format!("a port must be a number, a text or a mapping, not {}", item.kind())),
        }
    }

    /// Takes bindings off what is left, or says that there are too many.
    fn has_room(&mut self, count: u32, place: &Place) -> bool {
        let left = self.bindings_left.checked_sub(count as usize);
        if let Some(left) = left {
            *self.bindings_left = left;
        } else {
            let message = format!("with this entry the project publishes more than {MAX_BINDINGS} ports: it is not read");
            self.problem(ProblemKind::Unreadable, place, message);
        }
        left.is_some()
    }

    fn refuse(&mut self, place: &Place, message: String) {
        self.problem(ProblemKind::RefusedEntry, place, message);
    }

    fn problem(&mut self, kind: ProblemKind, place: &Place, message: String) {
        let (path, place, service) = (place.path().to_owned(), Some(place.clone()), Some(Arc::clone(self.service)));
        self.problems.push(Problem { kind, message, path, place, service });
    }

    fn short(&mut self, item: &Value, text: &str, form: Form) {
        let short = match entry::parse(text) {
            Ok(short) if short.target.first == 0 => {
                return self.refuse(&item.origin.place, "the container port is missing".to_owned());
            }
            Ok(short) => short,
            Err(message) => return self.refuse(&item.origin.place, message),
        };
        if !self.has_room(short.target.count(), &item.origin.place) {
            return;
        }
        let pairs = short_pairs(&short);
        let Short { host_ip, published, target, protocol, .. } = short;
        let entry = entry_of(item, form, text.to_owned());
        let published = match published {
            Published::Ports(range) if range.last == 0 => Published::Ephemeral,
            other => other,
        };
        let mode = "ingress".to_owned();
        self.add(Publication { service: Arc::clone(self.service), host_ip, published, target, protocol, mode, entry }, pairs);
    }

    fn long(&mut self, item: &Value, map: &Map) {
        if map.iter().any(|(_, value)| matches!(value.data, Data::Unread)) {
            return;
        }
        match self.long_parts(item, map) {
            Ok((publication, pair)) if self.has_room(1, &item.origin.place) => self.add(publication, vec![pair]),
            Ok(_) => {}
            Err((place, message)) => self.refuse(&place, message),
        }
    }

    fn long_parts(&self, item: &Value, map: &Map) -> Result<(Publication, Pair), (Place, String)> {
        let target_value = map.get("target").ok_or((item.origin.place.clone(), "the target port is missing".to_owned()))?;
        let target = target(target_value).map_err(|message| (target_value.origin.place.clone(), message))?;
        let host_ip = optional_text(map, "host_ip")?;
        if let Some(address) = host_ip.as_ref().filter(|address| address.parse::<IpAddr>().is_err()) {
            let place = map.get("host_ip").map_or_else(|| item.origin.place.clone(), |value| value.origin.place.clone());
            return Err((place, format!("invalid ip address: {address}")));
        }
        if let Some((key, _)) = map.iter().find(|(key, _)| !LONG_KEYS.contains(&key.text.as_str()) && !key.text.starts_with("x-"))
        {
            return Err((key.origin.place.clone(), format!("a port has no property {}", key.text.escape_debug())));
        }
        let protocol = optional_text(map, "protocol")?.unwrap_or_else(|| "tcp".to_owned());
        let mode = optional_text(map, "mode")?.unwrap_or_else(|| "ingress".to_owned());
        for key in ["name", "app_protocol"] {
            optional_text(map, key)?;
        }
        let (published, is_number) = match map.get("published") {
            None => (None, false),
            Some(value) => published(value).map_err(|message| (value_place(value), message))?,
        };
        let pair = Pair { published: published.clone(), is_number, target };
        let mut entry = entry_of(item, Form::Long, String::new());
        let origin = |key: &str| map.get(key).map(|value| value.origin.clone());
        (entry.host_ip, entry.published, entry.target) = (origin("host_ip"), origin("published"), origin("target"));
        entry.extension = map.get(EXTENSION).map(super::setting::setting);
        let target = PortRange::single(target);
        let published = published.map_or(Published::Ephemeral, |text| long_published(&text));
        let service = Arc::clone(self.service);
        let mut publication = Publication { service, host_ip, published, target, protocol, mode, entry };
        publication.entry.text = canonical(&publication, pair.published.as_deref());
        Ok((publication, pair))
    }

    /// Adds the bindings of a publication. One whose identity is known takes the known one's place.
    fn add(&mut self, mut publication: Publication, pairs: Vec<Pair>) {
        let index = self.out.publications.len();
        let mut replaced: Option<Place> = None;
        for pair in pairs {
            let identity = identity(&publication, &pair);
            let published = pair.published.filter(|text| !text.is_empty());
            let binding = Binding { publication: index, published, target: pair.target };
            let known = self.identities.get(&identity).copied();
            if let Some(known) = known {
                let old = std::mem::replace(&mut self.out.bindings[known], binding);
                let old = self.out.publications.get(old.publication).map(|old| old.entry.origin.place.clone());
                replaced = replaced.or(old);
            } else {
                self.identities.insert(identity, self.out.bindings.len());
                self.out.bindings.push(binding);
            }
        }
        if let Some(replaced) = replaced.filter(|place| *place != publication.entry.origin.place) {
            publication.entry.origin.hops.insert(0, Hop::Override { replaced });
        }
        self.out.publications.push(publication);
    }

    /// Leaves out publications of which no binding is left.
    fn drop_replaced(&mut self) {
        let mut is_used = vec![false; self.out.publications.len()];
        self.out.bindings.iter().for_each(|binding| is_used[binding.publication] = true);
        if is_used.iter().all(|used| *used) {
            return;
        }
        let mut next = 0;
        let new_index: Vec<usize> = is_used
            .iter()
            .map(|used| {
                next += usize::from(*used);
                next.saturating_sub(1)
            })
            .collect();
        self.out.bindings.iter_mut().for_each(|binding| binding.publication = new_index[binding.publication]);
        let mut used = is_used.into_iter();
        self.out.publications.retain(|_| used.next().unwrap_or(true));
    }
}

fn form(text: &Text) -> Form {
    match (text.style, text.is_verbatim) {
        (Style::Plain, true) => Form::Plain,
        (Style::Quoted, true) => Form::Quoted,
        _ => Form::Folded,
    }
}

fn entry_of(item: &Value, form: Form, text: String) -> Entry {
    let (origin, list_key, layer) = (item.origin.clone(), item.key.clone(), item.layer);
    Entry { origin, form, text, host_ip: None, published: None, target: None, extension: None, list_key, layer }
}

fn value_place(value: &Value) -> Place {
    value.origin.place.clone()
}

/// `host_ip`, `protocol` and the like: a text or nothing.
fn optional_text(map: &Map, key: &str) -> Result<Option<String>, (Place, String)> {
    let Some(value) = map.get(key) else { return Ok(None) };
    match value.as_text() {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err((value_place(value), format!("{key} must be a text, not {}", value.kind()))),
    }
}

/// A number, or a text that Go's `strconv.Atoi` takes; anything from 0 up, cut down to 32 bits (`loader/interpolate.go`). A number
/// that YAML reads as one with a fraction will do if the fraction is 0: `target: 080` is 80, since 8 is no octal digit.
fn target(value: &Value) -> Result<u32, String> {
    let number = match &value.data {
        Data::Integer(number) => Some(*number),
        Data::Float => whole_number(value.origin.place.text()),
        Data::Text(text) => {
            let digits = text.content.strip_prefix(['+', '-']).unwrap_or(&text.content);
            let is_decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_decimal.then(|| text.content.parse::<i64>().ok()).flatten()
        }
        _ => None,
    };
    let shown = value.to_text().unwrap_or_else(|| value.kind().to_owned());
    let cut = number.filter(|number| *number >= 0).and_then(|number| u32::try_from(number & i64::from(u32::MAX)).ok());
    cut.ok_or_else(|| format!("target is not a port number: {shown}"))
}

/// `080`, `80.0` and `8e1` as the whole number that they are.
fn whole_number(written: &str) -> Option<i64> {
    let number: f64 = written.trim_matches(['"', '\'']).replace('_', "").parse().ok()?;
    let text = format!("{number:.1}");
    text.strip_suffix(".0").and_then(|whole| whole.parse().ok()).filter(|_| number.fract() == 0.0)
}

/// A number or any text at all; 0 and the empty text are ephemeral. The second value is true for a number.
fn published(value: &Value) -> Result<(Option<String>, bool), String> {
    match &value.data {
        Data::Integer(number) => Ok((Some(number.to_string()), true)),
        Data::Text(text) => Ok((Some(text.content.clone()), false)),
        Data::Float => Err("published must be a whole number or a text".to_owned()),
        _ => Err(format!("published must be a number or a text, not {}", value.kind())),
    }
}

/// What the engine makes of a text that Compose hands on unchecked (moby `daemon/network.go`, buildPortsRelatedCreateEndpointOptions,
/// and `api/types/network/port.go`, ParsePortRange): no sign is allowed, and a protocol in it counts for nothing.
fn long_published(text: &str) -> Published {
    let ports = text.split_once('/').map_or(text, |(ports, _)| ports);
    match entry::range(ports).filter(|_| !ports.contains('+')) {
        _ if text.is_empty() => Published::Ephemeral,
        Some(PortRange { last: 0, .. }) => Published::Ephemeral,
        Some(range) if range.count() == 1 => Published::Ports(range),
        Some(range) => Published::OneOf(range),
        None => Published::Unchecked(text.to_owned()),
    }
}

/// The bindings of a short entry, sorted as texts: the loader sorts `PORT/PROTOCOL` so.
fn short_pairs(short: &Short) -> Vec<Pair> {
    let pair = |offset: u32| {
        let published = match &short.published {
            Published::Ephemeral | Published::Unchecked(_) => None,
            Published::Ports(range) => Some((range.first + offset).to_string()),
            Published::OneOf(range) => Some(range.to_string()),
        };
        Pair { published, is_number: false, target: short.target.first + offset }
    };
    let mut pairs: Vec<Pair> = (0..short.target.count()).map(pair).collect();
    pairs.sort_by_cached_key(|pair| format!("{}/", pair.target));
    pairs
}

/// compose-go `override/uncity.go`, portIndexer: an omitted address is `0.0.0.0`; the missing, the empty and the numeric host port differ.
fn identity(publication: &Publication, pair: &Pair) -> String {
    let host_ip = publication.host_ip.as_deref().unwrap_or("0.0.0.0");
    let published = match &pair.published {
        None => "-".to_owned(),
        Some(number) if pair.is_number => format!("int {number}"),
        Some(text) => format!("text {text}"),
    };
    format!("{host_ip} {published} {} {}", pair.target, publication.protocol)
}

/// The short form of a long entry.
fn canonical(publication: &Publication, published: Option<&str>) -> String {
    let address = match &publication.host_ip {
        Some(address) if address.contains(':') => format!("[{address}]:"),
        Some(address) => format!("{address}:"),
        None => String::new(),
    };
    let published = published.filter(|published| !published.is_empty());
    let port = match published {
        Some(published) => format!("{published}:"),
        None if address.is_empty() => String::new(),
        None => ":".to_owned(),
    };
    format!("{address}{port}{}/{}", publication.target, publication.protocol)
}
