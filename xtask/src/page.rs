//! The page of the playground: one HTML file with styles, modules and the WebAssembly module in it, which makes no request.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::BASE64;
use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

use crate::{Failure, cargo_path, run};

/// The target of the module.
const TARGET: &str = "wasm32-unknown-unknown";

/// The linker and the compiler of Debian's packages.
const DEBIAN_LINKER: &str = "/usr/bin/wasm-ld-19";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

/// The largest page after compression, in bytes.
const LARGEST: usize = 1_500_000;

/// Builds the WebAssembly module, and returns its path.
pub(crate) fn build(root: &Path) -> Result<PathBuf, Failure> {
    let target_dir = root.join("target").join("page");
    let mut command = if has_target() {
        Command::new(cargo_path())
    } else if [DEBIAN_LINKER, DEBIAN_RUSTC, DEBIAN_CARGO].iter().all(|program| Path::new(program).exists()) {
        let mut command = Command::new(DEBIAN_CARGO);
        command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER);
        // Rustup's variables would lead Debian's cargo to another compiler.
        command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO").env_remove("RUSTC_WRAPPER");
        command.arg("-Zbuild-std=std,panic_abort");
        command
    } else {
        return Err(format!(
            "the target {TARGET} is not installed. Either `rustup target add {TARGET}`, or, on Debian, \
             `apt-get install rustc-web cargo-web rust-web-src lld-19`"
        ));
    };
    command.args(["build", "--profile", "page", "--locked", "-p", "playground", "--lib", "--target", TARGET]);
    command.arg("--target-dir").arg(&target_dir).current_dir(root);
    run(&mut command)?;
    Ok(target_dir.join(TARGET).join("page").join("playground.wasm"))
}

/// Whether the toolchain has the target's standard library.
fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// Writes the page with this module, and tells its size.
pub(crate) fn assemble(root: &Path, module: &Path) -> Result<(), Failure> {
    let wasm = read(module)?;
    let folder = root.join("playground").join("page");
    let html = compose(root, &folder, &wasm)?;
    let dist = root.join("playground").join("dist");
    let page = dist.join("swimlab.html");
    fs::create_dir_all(&dist).map_err(|error| format!("cannot make {}: {error}", dist.display()))?;
    fs::write(&page, &html).map_err(|error| format!("cannot write {}: {error}", page.display()))?;
    let compressed = compress_to_vec(html.as_bytes(), 9).len();
    println!(
        "{}: {} KB, {} KB compressed; the module alone: {} KB",
        page.display(),
        html.len() / 1000,
        compressed / 1000,
        wasm.len() / 1000
    );
    if compressed > LARGEST {
        return Err(format!("the page has {compressed} bytes after compression: at most {LARGEST} are allowed"));
    }
    Ok(())
}

/// The text of the page: index.html with its placeholders filled in.
fn compose(root: &Path, folder: &Path, wasm: &[u8]) -> Result<String, Failure> {
    let mut html = text(&folder.join("index.html"))?;
    let module = BASE64.encode(&compress_to_vec_zlib(wasm, 9));
    for (placeholder, content) in [
        ("/* style.css */", text(&folder.join("style.css"))?),
        ("/* import map */", import_map(folder)?),
        ("# coastline.txt", text(&root.join("src/report/html/coastline.txt"))?),
        ("# module", module),
    ] {
        if html.matches(placeholder).count() != 1 {
            return Err(format!("index.html must have the placeholder \"{placeholder}\" once"));
        }
        html = html.replace(placeholder, &content);
    }
    Ok(html)
}

/// The import map: names such as `swimlab/ring.js`, each with its text as a URL.
fn import_map(folder: &Path) -> Result<String, Failure> {
    let listed = fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "js"));
    files.sort();
    let entries: Result<Vec<String>, Failure> = files.iter().map(|file| entry(file)).collect();
    Ok(format!("{{\"imports\":{{\n{}\n}}}}", entries?.join(",\n")))
}

/// A line of the import map.
fn entry(file: &Path) -> Result<String, Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("\"swimlab/{name}\":\"data:text/javascript;base64,{}\"", BASE64.encode(&read(file)?)))
}

fn text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(read(file)?).map_err(|_| format!("{} is not text in UTF-8", file.display()))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}
