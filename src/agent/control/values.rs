//! Values of requests and answers that are written in JSON in a way of their own.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A secret in a [`Request`](super::Request). It is overwritten in memory when it is dropped, and its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

/// Metric families by key, in the order in which they are shown; an object in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FamilyValues(pub Vec<(String, FamilyValue)>);

/// Value of one metric family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum FamilyValue {
    /// Of a family without labels.
    Single(u64),
    /// Of each label.
    Labeled(BTreeMap<String, u64>),
}

impl SecretText {
    /// The secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Serialize for FamilyValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for FamilyValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FamilyValuesVisitor)
    }
}

/// Reads an object, and keeps the order of its keys.
struct FamilyValuesVisitor;

impl<'de> Visitor<'de> for FamilyValuesVisitor {
    type Value = FamilyValues;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metric families by key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FamilyValues, A::Error> {
        let mut values = Vec::new();
        while let Some(entry) = map.next_entry()? {
            values.push(entry);
        }
        Ok(FamilyValues(values))
    }
}
