//! Elasticsearch as its makers publish it for integration tests, a zip in Maven's repository: the
//! real server with its core modules only, a sixth of the full download.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::artifact::Artifact;
use crate::preparation::run;
use crate::{Error, Progress, tools};

const VERSION: &str = "8.19.21";

const SERVER: Artifact = Artifact {
    name: "elasticsearch-8.19.21-1",
    title: "Elasticsearch",
    key_files: &["bin/elasticsearch", "config/jvm.options", "lib/elasticsearch-8.19.21.jar"],
    needs_mib: 600,
};

/// The unpacked server and the home of the Java for it.
pub(crate) async fn server(cache: &Path, progress: &dyn Progress) -> Result<(PathBuf, PathBuf), Error> {
    let build = async |content: &Path, step: &str| {
        tools::ensure(&[tools::MAVEN, tools::UNZIP], cache, progress).await?;
        run(&mut download(content), step, progress).await?;
        run(&mut unpack(content), step, progress).await
    };
    let server = SERVER.obtain(cache, progress, build).await?;
    Ok((server, tools::java_home(cache, progress).await?))
}

fn download(content: &Path) -> Command {
    let mut command = Command::new("mvn");
    command.args(["-B", "dependency:copy"]);
    command.arg(format!("-Dartifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"));
    command.arg(format!("-DoutputDirectory={}", content.display()));
    // A project file in the working directory is none of its business.
    command.current_dir(content);
    command
}

/// The zip holds one directory; its content becomes ours. Everybody may read it, because the server
/// may run as another user.
fn unpack(content: &Path) -> Command {
    let mut command = Command::new("sh");
    let name = format!("elasticsearch-{VERSION}");
    let script = format!(
        "unzip -q {name}.zip && mv {name}/* . && rm -r {name} {name}.zip \
         && chmod -R a+rX . && chmod a+x bin/*"
    );
    command.args(["-ec", &script]).current_dir(content);
    command
}
