//! Compares the fields of SDKs with the facts, for the next release of an SDK. `specs/drift.toml`
//! lists the fields that are not taken, with reasons.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::files::read_if_exists;
use super::import::{Setting, model_of};
use super::overlay::Overlay;
use super::problem::Problems;
use super::sources::{self, Source, Sources};
use super::spec::{Object, Shape, Spec};
use super::types::{self, Types};
use super::{CodegenError, problem};

/// The fields of SDKs that are not taken.
pub(crate) const LEFT: &str = "specs/drift.toml";

/// The kind of each field, by its path from the body with dots.
pub(crate) type Fields = BTreeMap<String, Kind>;

/// The kind of a value, as far as sources can disagree on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A lenient field accepts each of these for the others.
    Text(&'static str),
    Boolean,
    Any,
    Object,
    List(Box<Self>),
    Map(Box<Self>),
    Either(Vec<Self>),
}

impl Kind {
    fn of(shape: &Shape) -> Self {
        match shape {
            Shape::String => Self::Text("string"),
            Shape::Integer => Self::Text("integer"),
            Shape::Number => Self::Text("number"),
            Shape::Boolean => Self::Boolean,
            Shape::Any => Self::Any,
            Shape::Named(_) => Self::Object,
            Shape::Array(items) => Self::List(Box::new(Self::of(&items.shape))),
            Shape::Map(values) => Self::Map(Box::new(Self::of(&values.shape))),
            Shape::Either(forms) => {
                Self::Either(forms.iter().map(|form| Self::of(&form.shape)).collect())
            }
        }
    }

    /// Parses the notation of the tables of differences.
    #[cfg(test)]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let inner = |outer: &str| {
            let inner = text
                .strip_prefix(outer)?
                .strip_prefix('<')?
                .strip_suffix('>')?;
            Some(Box::new(Self::parse(inner)?))
        };
        Some(match text {
            "string" => Self::Text("string"),
            "integer" => Self::Text("integer"),
            "number" => Self::Text("number"),
            "boolean" => Self::Boolean,
            "any" => Self::Any,
            "object" => Self::Object,
            _ => match (inner("list"), inner("map")) {
                (Some(items), _) => Self::List(items),
                (_, Some(values)) => Self::Map(values),
                (None, None) => return None,
            },
        })
    }

    /// Whether our field accepts values of the other type.
    pub(crate) fn takes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) | (Self::Text(_), Self::Text(_)) => true,
            (Self::List(own), Self::List(other)) | (Self::Map(own), Self::Map(other)) => {
                own.takes(other)
            }
            (own, Self::Either(forms)) => forms.iter().all(|form| own.takes(form)),
            (Self::Either(forms), other) => forms.iter().any(|form| form.takes(other)),
            // Members of any name.
            (Self::Map(_), Self::Object) | (Self::Object, Self::Map(_)) => true,
            (own, other) => own == other,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Any => "any".to_owned(),
            Self::Object => "object".to_owned(),
            Self::List(items) => format!("list<{}>", items.text()),
            Self::Map(values) => format!("map<{}>", values.text()),
            Self::Either(forms) => {
                let forms: Vec<_> = forms.iter().map(Self::text).collect();
                forms.join("|")
            }
        }
    }
}

/// Every field of a body.
fn fields(body: &Object, types: &Types) -> Fields {
    let mut found = Fields::new();
    add(body, "", types, &mut Vec::new(), &mut found);
    found
}

fn add<'a>(
    object: &'a Object,
    at: &str,
    types: &'a Types,
    within: &mut Vec<&'a str>,
    found: &mut Fields,
) {
    for property in &object.properties {
        let name = &property.name;
        let at = if at.is_empty() {
            name.clone()
        } else {
            format!("{at}.{name}")
        };
        found.insert(at.clone(), Kind::of(&property.schema.shape));
        let keys = match &property.schema.leaf().shape {
            Shape::Either(forms) => forms.iter().filter_map(|form| form.shape.named()).collect(),
            shape => Vec::from_iter(shape.named()),
        };
        for key in keys {
            // A type can contain itself.
            if let Some(inner) = types.get(key).filter(|_| !within.contains(&key)) {
                within.push(key);
                add(&inner.object, &at, types, within, found);
                within.pop();
            }
        }
    }
}

/// The events of all domains, with the fields of their types. A type has the fields of all pages of the
/// domain.
pub(crate) fn known(root: &Path) -> Result<BTreeMap<String, (Spec, Fields)>, CodegenError> {
    let mut known = BTreeMap::new();
    let mut problems = Problems::default();
    for Sources { specs, overlay, .. } in sources::read(root)? {
        let Source { file, text } = &overlay;
        let overlay = Overlay::parse(file, text, &mut problems).unwrap_or_default();
        let specs = specs.iter();
        let specs: Vec<_> = specs
            .filter_map(|Source { file, text }| Spec::parse(file, text, &overlay, &mut problems))
            .collect();
        let types = types::collect(&specs, &overlay, &mut problems);
        for spec in specs {
            let fields = fields(&spec.body, &types);
            known.insert(spec.facts.event_type.clone(), (spec, fields));
        }
    }
    problems.checkpoint().map_err(CodegenError::Problems)?;
    Ok(known)
}

/// The fields that are not taken, by reason.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Left {
    #[serde(default)]
    left: Vec<Reason>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
    /// By event type; a field stands for those below it too.
    fields: BTreeMap<String, Vec<String>>,
}

impl Left {
    pub(crate) fn read(root: &Path) -> Result<Self, CodegenError> {
        let Some(text) = read_if_exists(&root.join(LEFT))? else {
            return Ok(Self::default());
        };
        toml::from_str(&text).map_err(|error| problem(LEFT, "", error.message()))
    }

    /// Why a field is not taken.
    pub(crate) fn reason(&self, event_type: &str, path: &str) -> Option<&str> {
        let covers = |listed: &String| {
            let rest = path.strip_prefix(listed.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let has = |reason: &&Reason| {
            let listed = reason.fields.get(event_type);
            listed.is_some_and(|listed| listed.iter().any(covers))
        };
        self.left
            .iter()
            .find(has)
            .map(|reason| reason.reason.as_str())
    }

    /// Every event and field that is listed.
    #[cfg(test)]
    pub(crate) fn listed(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.left.iter().flat_map(|reason| &reason.fields);
        fields.flat_map(|(event_type, paths)| {
            paths
                .iter()
                .map(move |path| (event_type.as_str(), path.as_str()))
        })
    }
}

/// How models differ from the facts, to print.
#[derive(Debug, Default)]
pub struct Drift {
    /// A row for each field in which they differ.
    rows: Vec<[String; 6]>,
    /// Files that are not models, each with what was expected.
    pub refused: Vec<String>,
}

impl Drift {
    /// Columns separated by tabs, below a line with their names.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = "event type\tfield\tfacts\tmodel\tmodel of\tnot taken because\n".to_owned();
        for row in &self.rows {
            text += &row.join("\t");
            text.push('\n');
        }
        text
    }

    /// Whether a field of a model is neither in the facts nor listed as not taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let open = |[_, _, _, model, _, reason]: &[String; 6]| model != "-" && reason.is_empty();
        !self.refused.is_empty() || self.rows.iter().any(open)
    }
}

/// Compares models with the facts.
pub(crate) fn run(root: &Path, files: &[PathBuf]) -> Result<Drift, CodegenError> {
    let setting = Setting::read(root)?;
    let left = Left::read(root)?;
    let known = known(root)?;
    let mut drift = Drift::default();
    for path in files {
        let model = match fs::read(path) {
            Ok(bytes) => model_of(&bytes, &setting),
            Err(error) => {
                drift.refused.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        match model {
            Ok(spec) => {
                let facts = known.get(&spec.facts.event_type);
                compare(&spec, facts.map(|(_, fields)| fields), &left, &mut drift);
            }
            Err(refusal) => drift.refused.push(format!(
                "{}:{}: expected {}",
                path.display(),
                refusal.line,
                refusal.expected
            )),
        }
    }
    Ok(drift)
}

fn compare(model: &Spec, facts: Option<&Fields>, left: &Left, drift: &mut Drift) {
    let event_type = &model.facts.event_type;
    let types = types::collect(
        std::slice::from_ref(model),
        &Overlay::default(),
        &mut Problems::default(),
    );
    let theirs = fields(&model.body, &types);
    let nothing = Fields::new();
    let ours = facts.unwrap_or(&nothing);
    let sdks = model.facts.sdks.join(", ");
    let text = |kind: Option<&Kind>| kind.map_or_else(|| "-".to_owned(), Kind::text);
    let mut row = |path: &str, own: Option<&Kind>, other: Option<&Kind>| {
        let reason = left.reason(event_type, path).filter(|_| other.is_some());
        drift.rows.push([
            event_type.clone(),
            path.to_owned(),
            text(own),
            text(other),
            sdks.clone(),
            reason.unwrap_or_default().to_owned(),
        ]);
    };
    for (path, kind) in &theirs {
        let own = ours.get(path);
        if !own.is_some_and(|own| own.takes(kind)) {
            row(path, own, Some(kind));
        }
    }
    for (path, kind) in ours {
        if !theirs.contains_key(path) {
            row(path, Some(kind), None);
        }
    }
}
