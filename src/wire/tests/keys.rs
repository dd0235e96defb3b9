//! Keys, their files, and how they are changed.

use super::samples;
use super::sealing::{at, key, seal, sealed};
use crate::wire::{Key, KeyFault, KeyFileFault, Keyring, KeyringError, OpenError, Seal};

const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const HEX: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F20";

#[test]
fn a_key_is_written_in_base64_or_hexadecimal_and_its_id_does_not_show_it() {
    assert_eq!(BASE64.parse(), Ok(key(0)));
    assert_eq!(HEX.parse(), Ok(key(1)));
    assert_eq!(key(0).id().to_string(), "d0a1eeeb6dcd3657");
    assert_eq!("d0a1eeeb6dcd3657".parse(), Ok(key(0).id()));
    assert_eq!(format!("{:?}", key(0)), "Key(d0a1eeeb6dcd3657)");
}

#[test]
fn random_keys_are_keys_and_differ() {
    let texts = [Key::random_text().unwrap(), Key::random_text().unwrap()];
    let [a, b] = texts.map(|text| text.parse::<Key>().unwrap());
    assert_ne!(a, b);
}

#[test]
fn text_that_is_not_a_key_is_refused_with_the_reason() {
    let fault = |text: &str| text.parse::<Key>().unwrap_err();
    assert_eq!(fault("0001020304"), KeyFault::Length(5));
    assert_eq!(fault("AAECAw=="), KeyFault::Length(4));
    assert_eq!(fault(&BASE64[..43]), KeyFault::NotText);
    assert_eq!(fault(&HEX[..63]), KeyFault::NotText);
    assert_eq!(fault("correct horse battery staple"), KeyFault::NotText);
    assert_eq!(fault(""), KeyFault::Length(0));
}

#[test]
fn a_key_file_holds_one_key_per_line_and_the_first_is_the_primary_one() {
    let ring = Keyring::parse(&format!("# since May\n{BASE64}\n\n  {HEX}  \r\n")).unwrap();
    assert_eq!(ring.ids().collect::<Vec<_>>(), [key(0).id(), key(1).id()]);
    assert_eq!(ring.primary(), &key(0));
}

#[test]
fn errors_of_a_key_file_name_the_file_and_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let error = |text: &[u8]| {
        std::fs::write(&path, text).unwrap();
        let message = Keyring::read(&path).unwrap_err().to_string();
        message.strip_prefix(&format!("key file {}: ", path.display())).expect("names the file").to_owned()
    };
    let short = "line 2: 4 bytes, but a key has 32";
    assert_eq!(error(format!("{BASE64}\nAAECAw==\n").as_bytes()), short);
    assert_eq!(error(b"swordfish!"), "line 1: neither base64 nor hexadecimal of 32 bytes");
    assert_eq!(error(format!("{BASE64}\n#\n{HEX}\n{BASE64}").as_bytes()), "line 4: the same key as in line 1");
    assert_eq!(error(b"\n# none yet\n"), "holds no key");
    assert_eq!(error(&[b'#'; 1 << 17]), "longer than 65536 bytes");
    assert_eq!(error(&[0xff; 32]), "cannot be read: stream did not contain valid UTF-8");
    let many: String = (0..5).map(|n| format!("{}\n", format!("{n:02}").repeat(32))).collect();
    assert_eq!(error(many.as_bytes()), "line 5: more than 4 keys");
    let missing = Keyring::read(dir.path().join("missing")).unwrap_err().to_string();
    assert!(missing.contains("missing: cannot be read: No such file"), "{missing}");
}

#[test]
fn a_key_file_is_read_up_to_the_longest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let read = |len: u64| {
        let comment = "#".repeat(len as usize - BASE64.len() - 1);
        std::fs::write(&path, format!("{BASE64}\n{comment}")).unwrap();
        Keyring::read(&path).map(|_| ())
    };
    read(Keyring::FILE_LIMIT).unwrap();
    let error = read(Keyring::FILE_LIMIT + 1).unwrap_err();
    assert!(matches!(error.fault, KeyFileFault::TooLong), "{error}");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_other_users_can_read_causes_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    std::fs::write(&path, BASE64).unwrap();
    let warning = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Keyring::read(&path).unwrap().1.map(|exposed| exposed.to_string())
    };
    assert_eq!(warning(0o600), None);
    assert!(warning(0o640).unwrap().contains("mode 640 gives access to other users than its owner"));
}

#[test]
fn a_ring_has_a_few_keys_and_always_a_primary_one() {
    let mut ring = Keyring::new(key(0));
    assert_eq!(ring.remove(key(0).id()), Err(KeyringError::Primary(key(0).id())));
    assert_eq!(ring.promote(key(1).id()), Err(KeyringError::Unknown(key(1).id())));
    assert_eq!(ring.remove(key(1).id()), Err(KeyringError::Unknown(key(1).id())));
    for n in [0, 1, 2, 3, 3] {
        assert_eq!(ring.install(key(n)), Ok(()));
    }
    assert_eq!(ring.install(key(4)), Err(KeyringError::Full));
    assert_eq!(ring.promote(key(2).id()), Ok(()));
    assert_eq!(ring.ids().collect::<Vec<_>>(), [2, 0, 1, 3].map(|n| key(n).id()));
    assert_eq!(ring.remove(key(0).id()), Ok(()));
    assert_eq!((ring.primary(), ring.ids().len()), (&key(2), 3));
}

#[test]
fn keys_are_changed_one_member_at_a_time_without_losing_a_packet() {
    let mut members: Vec<Seal> = (0..4).map(seal).collect();
    type Step = fn(&mut Keyring) -> Result<(), KeyringError>;
    let steps: [Step; 3] =
        [|ring| ring.install(key(7)), |ring| ring.promote(key(7).id()), |ring| ring.remove(key(0).id())];
    let mut now = 0.0;
    for step in steps {
        for changed in 0..members.len() {
            step(members[changed].keyring_mut()).unwrap();
            for from in 0..members.len() {
                now += 0.1;
                let bytes = sealed(&mut members[from], at(now), &samples::gossip());
                for (to, member) in members.iter_mut().enumerate().filter(|(to, _)| *to != from) {
                    let received = member.decode(at(now), &mut bytes.clone());
                    assert_eq!(received, Ok(samples::gossip()), "{from} to {to} after member {changed}");
                }
            }
        }
    }
    // A member that still seals with the old key is refused.
    let mut late = sealed(&mut seal(9), at(now), &samples::gossip());
    assert!(members.iter_mut().all(|member| member.decode(at(now), &mut late) == Err(OpenError::Forged)));
}
