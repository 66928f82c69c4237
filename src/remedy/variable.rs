//! A safe default for a variable.

use super::refuse;
use crate::model::finding::{Edit, Refusal};
use crate::model::origin::{Operator, Origin, Substitution, ValueSource};

/// The edit that makes `variable` come out as `address` where it is unset or empty: `${BIND:-127.0.0.1}`. The default in it may be
/// another variable: then that one gets the default. `value` is what the expression is now; `origin` is the scalar's.
///
/// # Errors
/// Where the value does not come from the file, or the expression is none that a default would mend.
pub(super) fn default_to(origin: &Origin, variable: &Substitution, value: &str, address: &str) -> Result<Edit, Refusal> {
    let name = &variable.name;
    if matches!(variable.operator, Some(Operator::AlternativeIfFull | Operator::AlternativeIfSet)) {
        return refuse(format!("the address is an alternative that stands for the variable {name}: a default cannot mend it"));
    }
    if !value.is_empty() {
        match &variable.value {
            ValueSource::Process => {
                return refuse(format!("{name} is {value} in the environment of this process: change it there"));
            }
            ValueSource::EnvFile(place) => {
                return refuse(format!(
                    "{name} is set to {value} in {}:{}: change it there",
                    place.path().display(),
                    place.line()
                ));
            }
            ValueSource::Project => return refuse(format!("{name} is set by Compose itself")),
            ValueSource::Default | ValueSource::Unset => {}
        }
    }
    let written = variable.at.text();
    if !written.starts_with('$') {
        return refuse(super::slot::NOT_ITS_VALUE);
    }
    if written[1..].contains('$') {
        return match innermost(origin, variable) {
            Some(inner) => default_to(origin, inner, value, address),
            None => refuse(format!("the default of {name} is put together from other variables")),
        };
    }
    Ok(Edit { place: variable.at.clone(), replacement: format!("${{{name}:-{address}}}") })
}

/// The variable that is the whole default of `outer`: `${A:-${B}}`.
fn innermost<'a>(origin: &'a Origin, outer: &Substitution) -> Option<&'a Substitution> {
    let sign = match outer.operator? {
        Operator::DefaultIfEmpty => ":-",
        Operator::DefaultIfUnset if outer.value == ValueSource::Default => "-",
        _ => return None,
    };
    let word = outer.at.text().strip_prefix("${")?.strip_prefix(outer.name.as_str())?.strip_prefix(sign)?.strip_suffix('}')?;
    let is_word = |inner: &&Substitution| inner.at.text() == word && inner.at.span.end + 1 == outer.at.span.end;
    origin.substitutions().find(is_word)
}
