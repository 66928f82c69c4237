//! Values of a compose file while its files are put together: plain data, each with its origin.

use crate::model::origin::{Hop, Origin};
use crate::model::source::Place;
use crate::read::yaml::Style;
use indexmap::IndexMap;

/// A value.
#[derive(Clone, Debug)]
pub struct Value {
    /// What it is.
    pub data: Data,
    /// Where it came from.
    pub origin: Origin,
    /// The key that it stands under; of an item, the key that its list stands under.
    pub key: Option<Place>,
    /// The layer that wrote it; see [`crate::model::publication::Entry::layer`].
    pub layer: u32,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Data {
    /// Null.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, or one that is too large.
    Float,
    /// A point in time.
    Timestamp,
    /// A text after substitution.
    Text(Text),
    /// A list.
    List(Vec<Value>),
    /// A mapping.
    Map(Map),
    /// Something whose content has no say in published ports.
    Opaque,
    /// What could not be read: a variable without value that is required, an alias of nothing. It has been said.
    Unread,
}

/// A text.
#[derive(Clone, Debug)]
pub struct Text {
    /// The text after substitution.
    pub content: String,
    /// How the scalar is written.
    pub style: Style,
    /// True if the scalar's bytes, quotes aside, are its value before substitution: no escape, no folding.
    pub is_verbatim: bool,
}

/// A mapping in the order of the file. Keys are unique.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: IndexMap<String, (Key, Value)>,
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Its place and the way it came.
    pub origin: Origin,
}

impl Value {
    /// The mapping, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.data {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(&text.content),
            _ => None,
        }
    }

    /// A scalar as Go's `fmt.Sprint` writes it. None for collections and null.
    pub fn to_text(&self) -> Option<String> {
        match &self.data {
            Data::Text(text) => Some(text.content.clone()),
            Data::Integer(number) => Some(number.to_string()),
            Data::Boolean(truth) => Some(truth.to_string()),
            Data::Float | Data::Timestamp => Some(self.origin.place.text().to_owned()),
            Data::Null | Data::List(_) | Data::Map(_) | Data::Opaque | Data::Unread => None,
        }
    }

    /// True for null and for an empty list or mapping.
    pub fn is_empty(&self) -> bool {
        match &self.data {
            Data::Null | Data::Unread => true,
            Data::List(items) => items.is_empty(),
            Data::Map(map) => map.is_empty(),
            _ => false,
        }
    }

    /// The word for its kind in messages.
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Boolean(_) => "a boolean",
            Data::Integer(_) | Data::Float => "a number",
            Data::Timestamp => "a timestamp",
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
            Data::Opaque | Data::Unread => "a value",
        }
    }

    /// How many values are in it, the hops of each counted: what a copy of it costs.
    pub fn weight(&self) -> usize {
        let below: usize = match &self.data {
            Data::List(items) => items.iter().map(Self::weight).sum(),
            Data::Map(map) => map.iter().map(|(key, value)| key.origin.hops.len() + value.weight()).sum(),
            _ => 0,
        };
        1 + self.origin.hops.len() + below
    }

    /// Puts a hop before those of this value and of everything in it.
    pub fn came_through(&mut self, hop: &Hop) {
        self.origin.hops.insert(0, hop.clone());
        match &mut self.data {
            Data::List(items) => items.iter_mut().for_each(|item| item.came_through(hop)),
            Data::Map(map) => map.came_through(hop),
            _ => {}
        }
    }
}

impl Map {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// Sets a key that may be there already; then its place in the order stays.
    pub fn set(&mut self, key: Key, value: Value) {
        self.entries.insert(key.text.clone(), (key, value));
    }

    /// Takes keys out.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.entries.retain(|key, _| keep(key));
    }

    /// The keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.entries.values().map(|(key, value)| (key, value))
    }

    /// The keys and values, in order; the values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Key, &mut Value)> {
        self.entries.values_mut().map(|(key, value)| (&*key, value))
    }

    /// True if nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts a hop before those of everything in it.
    pub fn came_through(&mut self, hop: &Hop) {
        for (key, value) in self.entries.values_mut() {
            key.origin.hops.insert(0, hop.clone());
            value.came_through(hop);
        }
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = indexmap::map::IntoValues<String, (Key, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_values()
    }
}
