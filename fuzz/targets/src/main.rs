//! `cargo run -p fuzz-targets`: writes the first inputs of all corpora to `fuzz/corpus`, beside what is there.

use std::path::Path;
use std::{fs, io};

use fuzz_targets::{TARGETS, seeds};

fn main() -> io::Result<()> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    for target in TARGETS {
        let folder = corpora.join(target.name);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in seeds(target.name) {
            fs::write(folder.join(name), bytes)?;
        }
        println!("{}: {} files", folder.display(), fs::read_dir(&folder)?.count());
    }
    Ok(())
}
