//! Cost of sealing: `cargo bench --bench seal`. The shortest of several rounds, since other work on the machine only
//! adds time.

use std::hint::black_box;
use std::time::{Duration, Instant, UNIX_EPOCH};

use swimlab::wire::{Key, Keyring, Seal};

const ROUNDS: usize = 25;
const PACKETS: usize = 2_000;

fn main() {
    let member = || Seal::new(Keyring::new(Key::new(&[7; Key::LEN])), "bench").expect("random numbers");
    let now = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    for len in [40, 1_368] {
        let plain = vec![7; len];
        let mut best = [Duration::MAX; 4];
        let mut time = |at: usize, begin: Instant| best[at] = best[at].min(begin.elapsed());
        for _ in 0..ROUNDS {
            let (mut sender, mut receiver) = (member(), member());
            // Memory that was touched before, so that page faults are not measured.
            let mut packets = vec![vec![0; 2_048]; PACKETS];
            packets.iter_mut().for_each(Vec::clear);

            let begin = Instant::now();
            packets.iter_mut().for_each(|out| sender.seal(now, black_box(&plain), out));
            time(0, begin);

            let mut forged = packets.clone();
            forged.iter_mut().for_each(|bytes| *bytes.last_mut().expect("a tag") ^= 1);
            let begin = Instant::now();
            assert!(forged.iter_mut().all(|bytes| receiver.open(now, black_box(bytes)).is_err()));
            time(2, begin);

            let again = packets.clone();
            let begin = Instant::now();
            assert!(packets.iter_mut().all(|bytes| receiver.open(now, black_box(bytes)).is_ok()));
            time(1, begin);

            packets = again;
            let begin = Instant::now();
            assert!(packets.iter_mut().all(|bytes| receiver.open(now, black_box(bytes)).is_err()));
            time(3, begin);
        }
        let [seal, open, forged, replayed] = best.map(|time| time.as_nanos() / PACKETS as u128);
        println!("{len:5} bytes: seal {seal} ns, open {open} ns, refuse forged {forged} ns, replayed {replayed} ns");
    }
}
