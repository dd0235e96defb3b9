//! A member's reports of health and load, which change more often than what it offers.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::description::Description;
use super::health::Health;
use super::service::{ServiceError, check_word};

/// A change of what a member says of itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// Its health.
    Health {
        /// The service that it is about; without one, the member as a whole.
        service: Option<String>,
        /// The health.
        health: Health,
    },
    /// A figure that changes all the time.
    Load {
        /// Its name.
        name: String,
        /// The figure.
        figure: f64,
    },
}

/// Reason why a report is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportError {
    /// The member does not offer this service.
    NoService(Box<str>),
    /// The name of a figure is no word.
    Name(ServiceError),
    /// The figure of this name is infinite or no number.
    Figure(Box<str>),
}

impl Description {
    /// The same with this report.
    ///
    /// ```
    /// use swimlab::discovery::{Description, Health, Report, Service};
    ///
    /// let offer = Description::default().with_service(Service::new("web", 8080)?);
    /// let health = Health::Critical("no disk".into());
    /// let offer = offer.with_report(&Report::Health { service: Some("web".to_owned()), health })?;
    /// let offer = offer.with_report(&Report::Load { name: "queue".to_owned(), figure: 17.0 })?;
    /// assert_eq!(offer.services["web"].health.name(), "critical");
    /// assert_eq!(offer.load["queue"], 17.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the member does not offer the service, the name is no word, or the figure is not finite.
    pub fn with_report(mut self, report: &Report) -> Result<Self, ReportError> {
        match report {
            Report::Health { service: None, health } => self.health = health.clone(),
            Report::Health { service: Some(name), health } => {
                let service = self.services.get_mut(&*name.to_ascii_lowercase());
                let service = service.ok_or_else(|| ReportError::NoService(name.as_str().into()))?;
                Arc::make_mut(service).health = health.clone();
            }
            Report::Load { name, figure } => {
                check_word(name).map_err(ReportError::Name)?;
                if !figure.is_finite() {
                    return Err(ReportError::Figure(name.as_str().into()));
                }
                self.load.insert(name.as_str().into(), *figure);
            }
        }
        Ok(self)
    }
}

impl Error for ReportError {}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoService(name) => write!(f, "the member does not offer the service {name:?}"),
            Self::Name(error) => error.fmt(f),
            Self::Figure(name) => write!(f, "the figure {name:?} must be a finite number"),
        }
    }
}
