//! Fault labels and their parameters.

use super::*;
use swimlab_selectors::Spec;

#[test]
fn targets_parse_as_documented() {
    assert_eq!(Target::parse("random", 3), Ok(Target::Random(3)));
    assert_eq!(Target::parse("share:0.1", 1), Ok(Target::Share(0.1)));
    assert_eq!(Target::parse("3, 14", 1), Ok(Target::Members(vec![3, 14])));
    assert_eq!(Target::parse("zone", 1), Ok(Target::Zone(None)));
    assert_eq!(Target::parse("region:eu-west-1", 1), Ok(Target::Region(Some("eu-west-1".into()))));
    assert!(Target::parse("everyone", 1).is_err());
    assert!(Target::parse("share:2", 1).is_err());
}

#[test]
fn every_fault_is_built_from_its_name_alone() {
    for entry in faults().entries() {
        let fault = faults().build(&Spec::of(entry.name), &()).unwrap();
        assert_eq!((fault.times, fault.target), (1, Target::Random(1)), "{}", entry.name);
        assert!(entry.about.ends_with('.'), "{}", entry.name);
    }
}

#[test]
fn kinds_can_be_told_apart() {
    let fault = faults().build(&Spec::parse("slow:catch_up=3ms").unwrap(), &()).unwrap();
    assert_eq!(fault.kind.downcast_ref::<Slow>().unwrap().catch_up.as_micros(), 3000);
    assert!(!fault.kind.is::<Crash>());
}
