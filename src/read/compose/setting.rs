//! Values to settings of ours, which the policy reader takes.

use super::value::{Data, Key, Value};
use crate::model::origin::Sourced;
use crate::model::setting::Setting;

/// A value of ours as it is written.
pub fn setting(value: &Value) -> Setting {
    match &value.data {
        Data::List(items) => Setting::List(items.iter().map(setting).collect(), value.origin.clone()),
        Data::Map(map) => {
            let key = |key: &Key| Sourced { value: key.text.clone(), origin: key.origin.clone() };
            let entries = map.iter().map(|(name, value)| (key(name), setting(value))).collect();
            Setting::Mapping(entries, value.origin.clone())
        }
        _ => {
            let origin = value.origin.clone();
            Setting::Scalar(Sourced { value: value.to_text().unwrap_or_default(), origin })
        }
    }
}
