//! The command line. No logic here.

/// What a publication has used is given back to the system before the next step: the C library's allocator keeps what
/// threads have freed (at the scale of France two gigabytes after the plan).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    seuil::cli::main()
}
