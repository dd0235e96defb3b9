//! The offer of a member: its kind, capabilities and services.

use crate::cli::Failed;
use crate::discovery::{Description, Service, check_word};

use super::bad;

#[derive(clap::Args)]
pub(super) struct Offer {
    /// A service of this member and its port; may be repeated.
    #[arg(long, value_name = "NAME:PORT")]
    service: Vec<String>,
    /// A tag of a service; may be repeated.
    #[arg(long, value_name = "NAME:TAG")]
    service_tag: Vec<String>,
    /// Weight of a service, relative to other instances, from 0 to 65535; 1 without.
    #[arg(long, value_name = "NAME:WEIGHT")]
    service_weight: Vec<String>,
    /// Kind of node, as in backend or proxy.
    #[arg(long, value_name = "WORD")]
    kind: Option<String>,
    /// Something that the member can do; may be repeated.
    #[arg(long, value_name = "WORD")]
    capability: Vec<String>,
}

impl Offer {
    /// The member's description of itself.
    ///
    /// # Errors
    /// Names the flag that is wrong.
    pub(super) fn description(&self) -> Result<Description, Failed> {
        let mut services: Vec<Service> = Vec::new();
        for text in &self.service {
            let service = Service::parse(text).map_err(|error| bad(format!("--service: {error}")))?;
            if services.iter().any(|other| other.name == service.name) {
                return Err(bad(format!("--service: {} is given twice", service.name)));
            }
            services.push(service);
        }
        for text in &self.service_tag {
            let (service, tag) = of_service(&mut services, "--service-tag", text)?;
            service.add_tag(tag).map_err(|error| bad(format!("--service-tag: {error}")))?;
        }
        for text in &self.service_weight {
            let (service, weight) = of_service(&mut services, "--service-weight", text)?;
            let weight = weight.parse();
            service.weight = weight.map_err(|_| bad(format!("--service-weight: {text:?}: a weight is 0 to 65535")))?;
        }
        let mut description = services.into_iter().fold(Description::default(), Description::with_service);
        if let Some(kind) = &self.kind {
            check_word(kind).map_err(|error| bad(format!("--kind: {error}")))?;
            description.kind = Some(kind.as_str().into());
        }
        for word in &self.capability {
            check_word(word).map_err(|error| bad(format!("--capability: {error}")))?;
            description.capabilities.insert(word.as_str().into());
        }
        Ok(description)
    }
}

/// The service that a value belongs to, and the value.
fn of_service<'a>(
    services: &'a mut [Service],
    flag: &str,
    text: &'a str,
) -> Result<(&'a mut Service, &'a str), Failed> {
    let parts = text.split_once(':');
    let (name, value) = parts.ok_or_else(|| bad(format!("{flag}: {text:?} is not NAME:VALUE, as in web:1")))?;
    let service = services.iter_mut().find(|service| service.name.eq_ignore_ascii_case(name));
    let service = service.ok_or_else(|| bad(format!("{flag}: there is no --service {name}:PORT for {text:?}")))?;
    Ok((service, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(service: &[&str], tag: &[&str], weight: &[&str]) -> Offer {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Offer {
            service: owned(service),
            service_tag: owned(tag),
            service_weight: owned(weight),
            kind: Some("backend".to_owned()),
            capability: vec!["gpu".to_owned()],
        }
    }

    #[test]
    fn services_have_the_tags_and_weights_of_their_names() {
        let description = offer(&["Web:80", "db:90"], &["web:v2", "WEB:v3"], &["db:7"])
            .description()
            .unwrap_or_else(|error| panic!("{}", error.message));
        let web = &description.services["web"];
        assert_eq!((web.port, web.weight, web.tags.len()), (80, 1, 2));
        assert_eq!(description.services["db"].weight, 7);
        assert_eq!((description.kind.as_deref(), description.capabilities.len()), (Some("backend"), 1));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_flag() {
        let refusal = |offer: Offer| match offer.description() {
            Ok(_) => panic!("it is refused"),
            Err(error) => error.message,
        };
        assert_eq!(refusal(offer(&["web"], &[], &[])), "--service: \"web\" is not NAME:PORT, as in web:8080");
        assert_eq!(refusal(offer(&["web:1", "WEB:2"], &[], &[])), "--service: web is given twice");
        assert_eq!(
            refusal(offer(&["web:1"], &["db:v2"], &[])),
            "--service-tag: there is no --service db:PORT for \"db:v2\""
        );
        assert!(refusal(offer(&["web:1"], &["web:a b"], &[])).starts_with("--service-tag: \"a b\" is no word"));
        assert!(refusal(offer(&["web:1"], &["web"], &[])).starts_with("--service-tag: \"web\" is not NAME:VALUE"));
        assert!(refusal(offer(&["web:1"], &[], &["web:x"])).contains("a weight is 0 to 65535"));
        let kind = Offer { kind: Some("a/b".to_owned()), ..offer(&[], &[], &[]) };
        assert!(refusal(kind).starts_with("--kind: \"a/b\" is no word"));
        let capability = Offer { capability: vec![String::new()], ..offer(&[], &[], &[]) };
        assert!(refusal(capability).starts_with("--capability: \"\" is no word"));
    }
}
