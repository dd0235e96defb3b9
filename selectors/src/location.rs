//! Location of a peer, and the checks of locations that users give.

use std::fmt;

/// Location of a peer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Location {
    /// Point in the plane, in the unit of the topology (hops of a grid, steps of a ring).
    Plane {
        /// First axis.
        x: f64,
        /// Second axis.
        y: f64,
    },
    /// Point on the globe, in degrees (WGS84).
    Globe {
        /// Latitude, -90 to 90.
        lat: f64,
        /// Longitude, -180 to 180.
        lon: f64,
    },
    /// Point in a space whose distances are round-trip times, as learned by the member itself.
    Learned {
        /// Coordinates on three axes, in steps of [`Location::STEP_US`].
        at: [i16; 3],
    },
}

/// Reason why a location is refused.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LocationError {
    /// A text that is not a number.
    NotANumber {
        /// Name of the axis: latitude or longitude.
        axis: &'static str,
        /// The text.
        text: String,
    },
    /// A number that is infinite or NaN.
    NotFinite {
        /// Name of the axis: latitude, longitude, x or y.
        axis: &'static str,
        /// The number.
        value: f64,
    },
    /// A latitude or longitude out of its range.
    OutOfRange {
        /// Name of the axis: latitude or longitude.
        axis: &'static str,
        /// The number, in degrees.
        value: f64,
        /// Largest absolute value of the axis, in degrees.
        limit: f64,
        /// Whether latitude and longitude would both be in range the other way round.
        swapped: bool,
    },
}

/// The point of the unit sphere at a latitude and longitude in degrees. Computed with `libm`, since std's sine differs
/// between platforms.
pub(crate) fn on_unit_sphere(lat: f64, lon: f64) -> [f64; 3] {
    let (lat, lon) = (lat.to_radians(), lon.to_radians());
    [libm::cos(lat) * libm::cos(lon), libm::cos(lat) * libm::sin(lon), libm::sin(lat)]
}

const LATITUDE: &str = "latitude";
const LONGITUDE: &str = "longitude";

impl Location {
    /// Step of a learned location in microseconds of round trip; an axis reaches sixteen seconds to either side.
    pub const STEP_US: f32 = 500.0;

    /// Reads a latitude and a longitude in degrees, as users write them in files and arguments.
    ///
    /// ```
    /// use swimlab_selectors::Location;
    ///
    /// assert_eq!(Location::parse_globe("52.5", "13.4"), Ok(Location::Globe { lat: 52.5, lon: 13.4 }));
    /// let error = Location::parse_globe("139.7", "35.7").unwrap_err();
    /// let why = "latitude 139.7 is not from -90 to 90 degrees; are latitude and longitude swapped?";
    /// assert_eq!(error.to_string(), why);
    /// ```
    ///
    /// # Errors
    /// If one of them is not a number or out of its range.
    pub fn parse_globe(lat: &str, lon: &str) -> Result<Self, LocationError> {
        let number =
            |axis, text: &str| text.parse().map_err(|_| LocationError::NotANumber { axis, text: text.to_owned() });
        let location = Self::Globe { lat: number(LATITUDE, lat)?, lon: number(LONGITUDE, lon)? };
        location.validate()?;
        Ok(location)
    }

    /// Checks that all numbers are finite, and latitude and longitude in their ranges.
    ///
    /// # Errors
    /// Names the axis and its value.
    // Plain comparisons: the crate geo, which the lab has, takes any number as a coordinate, and its validation looks
    // only for infinite ones and NaN. Members on real sockets and the wire format, which have no geo, need the same
    // check.
    pub fn validate(&self) -> Result<(), LocationError> {
        match *self {
            Self::Plane { x, y } => finite("x", x).and_then(|()| finite("y", y)),
            Self::Globe { lat, lon } => {
                finite(LATITUDE, lat)?;
                finite(LONGITUDE, lon)?;
                let swapped = lon.abs() <= 90.0 && lat.abs() <= 180.0;
                let in_range = |axis, value: f64, limit, swapped| match value.abs() <= limit {
                    true => Ok(()),
                    false => Err(LocationError::OutOfRange { axis, value, limit, swapped }),
                };
                in_range(LATITUDE, lat, 90.0, swapped).and_then(|()| in_range(LONGITUDE, lon, 180.0, false))
            }
            Self::Learned { .. } => Ok(()),
        }
    }
}

fn finite(axis: &'static str, value: f64) -> Result<(), LocationError> {
    if value.is_finite() { Ok(()) } else { Err(LocationError::NotFinite { axis, value }) }
}

impl LocationError {
    /// Name of the axis whose value is refused: latitude, longitude, x or y.
    pub fn axis(&self) -> &'static str {
        match self {
            Self::NotANumber { axis, .. } | Self::NotFinite { axis, .. } | Self::OutOfRange { axis, .. } => axis,
        }
    }
}

impl fmt::Display for LocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber { axis, text } => write!(f, "{axis} \"{text}\" is not a number of degrees"),
            Self::NotFinite { axis, value } => write!(f, "{axis} {value} is not a finite number"),
            Self::OutOfRange { axis, value, limit, swapped } => {
                write!(f, "{axis} {value} is not from -{limit} to {limit} degrees")?;
                if *swapped { f.write_str("; are latitude and longitude swapped?") } else { Ok(()) }
            }
        }
    }
}

impl std::error::Error for LocationError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latitudes_and_longitudes_at_the_ends_of_their_ranges_are_allowed() {
        for (lat, lon) in [("90", "180"), ("-90", "-180"), ("0", "-0.0"), ("9e1", "1.8e2")] {
            assert!(Location::parse_globe(lat, lon).is_ok(), "{lat}, {lon}");
        }
    }

    #[test]
    fn errors_name_the_axis_and_its_value() {
        let error = |lat: &str, lon: &str| Location::parse_globe(lat, lon).unwrap_err().to_string();
        assert_eq!(error("north", "0"), "latitude \"north\" is not a number of degrees");
        assert_eq!(error("0", ""), "longitude \"\" is not a number of degrees");
        assert_eq!(error("NaN", "0"), "latitude NaN is not a finite number");
        assert_eq!(error("0", "-inf"), "longitude -inf is not a finite number");
        assert_eq!(error("0", "180.5"), "longitude 180.5 is not from -180 to 180 degrees");
        assert_eq!(error("91", "120"), "latitude 91 is not from -90 to 90 degrees");
        assert_eq!(error("181", "0"), "latitude 181 is not from -90 to 90 degrees");
        let plane = Location::Plane { x: 0.0, y: f64::INFINITY };
        assert_eq!(plane.validate().unwrap_err().to_string(), "y inf is not a finite number");
    }

    #[test]
    fn a_latitude_that_would_be_a_longitude_asks_whether_they_are_swapped() {
        let error = |lat: f64, lon: f64| Location::Globe { lat, lon }.validate().unwrap_err().to_string();
        let question = "; are latitude and longitude swapped?";
        assert!(error(139.7, 35.7).ends_with(question));
        assert!(error(-122.4, 37.8).ends_with(question));
        assert!(!error(139.7, 95.0).ends_with(question));
        assert!(!error(200.0, 35.7).ends_with(question));
    }
}
