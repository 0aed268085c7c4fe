//! The device and the threads of a command.

use lampwick::training::device;

/// `--device` and `--threads`, as every command that computes takes them.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Machine {
    /// Where to compute: flex, wgpu[:N], cuda[:N], ... (`lampwick devices` lists them); a training
    /// run shares its batches between several, as in cuda:0,cuda:1
    #[arg(long, visible_alias = "devices", value_name = "NAME[:N]")]
    pub(crate) device: Option<String>,
    #[command(flatten)]
    pub(crate) threads: Threads,
}

/// `--threads`, alone where a command has no device.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Threads {
    /// Threads on the CPU; the results are the same for any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Threads {
    /// Sets the size of the one pool of threads that everything on the CPU shares.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?;
        }
        Ok(())
    }
}

impl Machine {
    /// The device of `--device`, else the one that the run's config names.
    pub(crate) fn device(
        &self,
        of_run: &str,
    ) -> Result<burn::prelude::Device, device::DeviceError> {
        device::parse(self.device.as_deref().unwrap_or(of_run))
    }
}
