//! The command line. No logic here.

fn main() -> anyhow::Result<()> {
    seuil::cli::main()
}
