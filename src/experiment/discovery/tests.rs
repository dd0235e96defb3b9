//! The measures of services: their definitions on histories by hand, and whole trials.

mod files;
mod histories;
mod trials;
