//! The keys of an agent's own configuration file that are not about the protocol: its addresses, name, keys and files.

use std::ffi::OsString;
use std::sync::LazyLock;

use super::error::BadInput;
use super::file::KEYS;
use super::toml_source::{TomlSource, TomlValue};

/// The kind of a key's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// A path, relative to the folder of the file.
    Path,
    /// A text or a list of texts.
    Texts,
    /// A table of texts, or a list of texts of the form `key=value`.
    Pairs,
    /// `true` or `false`.
    Flag,
}

/// The keys of a table that describes a service.
const SERVICE_KEYS: [&str; 4] = ["name", "port", "weight", "tags"];

const AGENT_KEYS: [(&str, Kind); 23] = [
    (NAME, Kind::Text),
    ("bind", Kind::Text),
    ("advertise", Kind::Text),
    ("join", Kind::Texts),
    ("place", Kind::Text),
    ("zone", Kind::Text),
    ("meta", Kind::Pairs),
    (SERVICE_TAG, Kind::Texts),
    (SERVICE_WEIGHT, Kind::Texts),
    ("kind", Kind::Text),
    ("capability", Kind::Texts),
    ("key_file", Kind::Path),
    ("label", Kind::Text),
    ("plaintext", Kind::Flag),
    ("socket", Kind::Path),
    ("state_dir", Kind::Path),
    ("http", Kind::Text),
    ("metrics", Kind::Text),
    ("dns", Kind::Text),
    ("dns_domain", Kind::Text),
    ("on", Kind::Texts),
    ("format", Kind::Text),
    ("log", Kind::Text),
];

/// The key of services, which are tables, or texts of the form `NAME:PORT`; and those of their tags and weights.
const SERVICE: &str = "service";
const SERVICE_TAG: &str = "service_tag";
const SERVICE_WEIGHT: &str = "service_weight";

/// The key of the member's name. Experiments have it, too.
const NAME: &str = "name";

/// The keys that only experiments have. In a file with one of them, [`NAME`] is that of the experiment: if it were the
/// member's, all members with that file would take each other's name.
const OF_EXPERIMENTS: [&str; 2] = ["topology", "members"];

/// All keys of a file that an agent reads: its own, and those of an experiment file.
pub(super) static AGENT_FILE_KEYS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let own = AGENT_KEYS.iter().map(|(key, _)| *key).chain([SERVICE]).filter(|key| !KEYS.contains(key));
    KEYS.iter().copied().chain(own).collect()
});

/// A setting of an agent in its configuration file: the values of the flag of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentSetting {
    /// The key, which is the flag with underscores.
    pub key: &'static str,
    /// The values, as the flag takes them; none for a flag without value that is off.
    pub values: Vec<OsString>,
    /// The line of the file, from 1.
    pub line: Option<u32>,
}

impl AgentSetting {
    /// Reads an agent's own keys from a file, which may have those that
    /// [`AgentConfig::parse`](super::AgentConfig::parse) reads as well. Relative paths start in the folder of the file.
    /// `name` is left out if the file has `topology` or `members`: then it is the name of an experiment.
    ///
    /// # Errors
    /// Names the line of a key that is unknown, or of a value of another type.
    pub fn read(source: &TomlSource) -> Result<Vec<Self>, BadInput> {
        let mut file = source.table(&AGENT_FILE_KEYS)?;
        let is_experiment = OF_EXPERIMENTS.iter().any(|key| file.has(key));
        let keys = AGENT_KEYS.into_iter().filter(|(key, _)| !(is_experiment && *key == NAME));
        let mut settings = Vec::new();
        for (key, kind) in keys {
            let Some(value) = file.take(key) else { continue };
            let line = value.error("").line;
            settings.push(Self { key, values: values(source, value, kind)?, line });
        }
        if let Some(value) = file.take(SERVICE) {
            let line = value.error("").line;
            let services = services(value)?.into_iter().filter(|(_, values)| !values.is_empty());
            settings.extend(services.map(|(key, values)| Self { key, values, line }));
        }
        Ok(settings)
    }
}

/// The values of the three flags of services.
fn services(list: TomlValue<'_>) -> Result<[(&'static str, Vec<OsString>); 3], BadInput> {
    let (mut services, mut tags, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    let list = if list.is_empty_list() { Vec::new() } else { list.list()? };
    for value in list {
        if !value.is_table() {
            services.push(value.text()?.into());
            continue;
        }
        let without = |key| value.error(format!("a service has a {key}, as in name = \"web\", port = 8080"));
        let (no_name, no_port) = (without("name"), without("port"));
        let mut fields = value.entries()?;
        if let Some(other) = fields.iter().find(|field| !SERVICE_KEYS.contains(&&*field.key)) {
            return Err(other.error(format!("a service has {}, and no {}", SERVICE_KEYS.join(", "), other.key)));
        }
        let mut take = |key| fields.iter().position(|field| field.key == key).map(|at| fields.swap_remove(at));
        let name = take("name").ok_or(no_name)?.text()?.to_owned();
        let port = take("port").ok_or(no_port)?.plain()?;
        services.push(format!("{name}:{port}").into());
        if let Some(weight) = take("weight") {
            weights.push(format!("{name}:{}", weight.plain()?).into());
        }
        for tag in take("tags").map(TomlValue::list).transpose()?.unwrap_or_default() {
            tags.push(format!("{name}:{}", tag.text()?).into());
        }
    }
    Ok([(SERVICE, services), (SERVICE_TAG, tags), (SERVICE_WEIGHT, weights)])
}

fn values(source: &TomlSource, value: TomlValue<'_>, kind: Kind) -> Result<Vec<OsString>, BadInput> {
    let text = |value: &TomlValue<'_>| value.text().map(OsString::from);
    Ok(match kind {
        Kind::Text => vec![text(&value)?],
        Kind::Path => vec![source.dir.join(value.text()?).into_os_string()],
        Kind::Pairs if value.is_table() => {
            let pair = |value: TomlValue<'_>| Ok(format!("{}={}", value.key, value.plain()?).into());
            value.entries()?.into_iter().map(pair).collect::<Result<_, BadInput>>()?
        }
        Kind::Texts | Kind::Pairs if value.is_empty_list() => Vec::new(),
        Kind::Texts | Kind::Pairs => value.list()?.iter().map(text).collect::<Result<_, _>>()?,
        Kind::Flag => match value.flag()? {
            true => vec![OsString::new()],
            false => Vec::new(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(&'static str, Vec<String>)>, String> {
        let mut source = TomlSource::text("a.toml", text);
        source.dir = "/etc/swimlab".into();
        let settings = AgentSetting::read(&source).map_err(|error| error.to_string())?;
        let text = |value: &OsString| value.to_str().unwrap().to_owned();
        Ok(settings.iter().map(|one| (one.key, one.values.iter().map(text).collect())).collect())
    }

    #[test]
    fn values_are_those_of_the_flags() {
        let file = "name = 'a'\nkey_file = 'key'\nstate_dir = '/var/lib/swimlab'\njoin = ['s1', 's2:1']\nplaintext = true\n\
                    selector = ['auto', 'shuffle']\n[meta]\nrole = 'web'\nshard = 3\n[protocol]\nperiod = '2s'\n";
        let owned = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let expected: [(&str, &[&str]); 6] = [
            ("name", &["a"]),
            ("join", &["s1", "s2:1"]),
            ("meta", &["role=web", "shard=3"]),
            ("key_file", &["/etc/swimlab/key"]),
            ("plaintext", &[""]),
            ("state_dir", &["/var/lib/swimlab"]),
        ];
        assert_eq!(read(file).unwrap(), expected.map(|(key, values)| (key, owned(values))));
        let file = "join = 's1'\nmeta = ['a=1']\nplaintext = false";
        let expected: [(&str, &[&str]); 3] = [("join", &["s1"]), ("meta", &["a=1"]), ("plaintext", &[])];
        assert_eq!(read(file).unwrap(), expected.map(|(key, values)| (key, owned(values))));
    }

    #[test]
    fn services_are_tables_or_texts() {
        let file = "[[service]]\nname = 'web'\nport = 8080\nweight = 5\ntags = ['v2', 'eu']\n\
                    [[service]]\nname = 'db'\nport = 5432\n";
        let owned = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let expected: [(&str, &[&str]); 3] = [
            ("service", &["web:8080", "db:5432"]),
            ("service_tag", &["web:v2", "web:eu"]),
            ("service_weight", &["web:5"]),
        ];
        assert_eq!(read(file).unwrap(), expected.map(|(key, values)| (key, owned(values))));
        assert_eq!(read("service = ['web:1', 'db:2']").unwrap(), [("service", owned(&["web:1", "db:2"]))]);
        assert_eq!(read("service = []").unwrap(), []);
        let refusal = read("[[service]]\nname = 'web'\n").unwrap_err();
        assert!(refusal.ends_with("a service has a port, as in name = \"web\", port = 8080"), "{refusal}");
        let refusal = read("[[service]]\nname = 'web'\nprot = 1\n").unwrap_err();
        assert!(refusal.ends_with("a service has name, port, weight, tags, and no prot"), "{refusal}");
    }

    #[test]
    fn the_name_of_an_experiment_is_no_member_s() {
        assert_eq!(read("name = 'locality'\ntopology = 'lan'\nbind = '127.0.0.1:1'").unwrap()[0].0, "bind");
    }

    #[test]
    fn errors_name_the_line_and_the_nearest_key() {
        assert_eq!(
            read("\nbnd = 'x'").unwrap_err(),
            "a.toml:2: this file has no key \"bnd\"; did you mean bind or kind?"
        );
        assert_eq!(
            read("key-file = 'x'").unwrap_err(),
            "a.toml:1: this file has no key \"key-file\"; did you mean key_file?"
        );
        assert_eq!(read("bind = 7946").unwrap_err(), "a.toml:1: bind must be a text, not 7946");
        assert_eq!(read("join = ['a',\n1]").unwrap_err(), "a.toml:2: join must be a text, not 1");
        assert_eq!(read("plaintext = 'yes'").unwrap_err(), "a.toml:1: plaintext must be true or false, not \"yes\"");
    }
}
