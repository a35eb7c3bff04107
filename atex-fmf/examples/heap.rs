//! Measures the heap that trees take: `cargo run --release -p atex-fmf --example heap -- TREE...`.
//!
//! Bytes that are asked for, counted by the allocator: while a tree is loaded, adjusted and selected from, at the worst
//! moment and in the end. What the allocator adds, stacks and code are not in it; the example `bench` tells what the
//! whole process takes. This is a program of its own because counting takes time.

#![expect(clippy::print_stdout, reason = "the numbers are what this program prints")]

use std::path::PathBuf;
use std::process::ExitCode;

use atex_fmf::{Context, Selection, Tree};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    let trees: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if trees.is_empty() {
        println!("usage: heap TREE...");
        return ExitCode::from(2);
    }
    for path in trees {
        if let Err(error) = measure(&path) {
            println!("{error}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn measure(path: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let context = Context::new().with("distro", ["rhel-9.6"]).with("arch", ["x86_64"]);
    let selection = Selection::new().key("test").filter("tier: 1");
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let mut tree = Tree::open(path)?;
    tree.adjust(&context)?;
    for node in tree.prune(&selection) {
        node?;
    }
    let (peak, kept) = (HEAP.peak_usage() - before, HEAP.current_usage() - before);
    let bytes = tree.files().try_fold(0, |sum, file| Ok(sum + std::fs::metadata(file)?.len()));
    let bytes = bytes.map_err(|error: std::io::Error| error.to_string())? as f64;
    println!("{}: {:.3} MB of YAML", path.display(), bytes / 1e6);
    for (what, heap) in [("at the worst moment", peak), ("in the end", kept)] {
        println!(
            "  {what:<20} {:>7.3} MB {:>6.2} times the YAML",
            heap as f64 / 1e6,
            heap as f64 / bytes
        );
    }
    Ok(())
}
