//! The manifests of Kubernetes: their settings, what kustomize makes of them, and the schemas of Kubernetes.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::{path, run};
use crate::binary::Folder;
use crate::documents::document;

const SECRETS: [&str; 5] = ["rosa-token", "acme-token", "bamboohr-key", "store-key", "evidence-key"];

/// Checks the settings of a folder of manifests, with the secrets that they name.
fn pass_the_check(name: &str) {
    let folder = Folder::new("");
    let text = document(name);
    for name in ["rosa-token", "acme-token", "bamboohr-key"] {
        folder.file(name, "0123456789abcdef0123456789abcdef01234567");
    }
    folder.file("store-url", "postgres://offboardd:secret@127.0.0.1:9/offboardd?sslmode=verify-full");
    let store_key = folder.file("store-key", &"ab".repeat(32));
    std::fs::set_permissions(store_key, Permissions::from_mode(0o600)).unwrap();
    let key = folder.path().join("evidence-key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(made.unwrap().success());
    let secrets = folder.path().display().to_string();
    folder.file("offboardd.toml", &text.replace("/run/secrets", &secrets).replace("/data", &secrets));
    let checked = folder.run(&["check", "--strict"]);
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""), "{name}");
}

#[test]
fn settings_of_kubernetes_pass_the_check_without_warnings() {
    pass_the_check("deploy/kubernetes/base/offboardd.toml");
    pass_the_check("deploy/kubernetes/postgres/offboardd.toml");
}

#[test]
fn settings_with_postgres_differ_from_the_others_by_the_database_only() {
    let [base, postgres] =
        ["base", "postgres"].map(|name| document(&format!("deploy/kubernetes/{name}/offboardd.toml")));
    let other =
        |text: &str| text.lines().filter(|line| !line.starts_with("url = ")).map(str::to_owned).collect::<Vec<_>>();
    let comment = "# The file contains postgres://user:password@host/database?sslmode=verify-full\n";
    let site = "url = \"https://acme.atlassian.net\"";
    assert!(base.contains(site) && postgres.contains(site));
    assert_eq!(other(&base), other(&postgres.replace(comment, "")));
}

/// The manifests that kustomize makes of a copy in which all secrets are there.
fn built(overlay: &str) -> (tempfile::TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    run(Command::new("cp").arg("-r").arg(path("deploy/kubernetes")).arg(folder.path()));
    let copy = folder.path().join("kubernetes");
    for name in SECRETS {
        std::fs::write(copy.join("base/secrets").join(name), "x").unwrap();
    }
    std::fs::write(copy.join("postgres/secrets/store-url"), "x").unwrap();
    let built = run(Command::new("kubectl").arg("kustomize").arg(copy.join(overlay)));
    let file = folder.path().join("built.yaml");
    std::fs::write(&file, &built).unwrap();
    (folder, file, built)
}

#[test]
#[ignore = "needs kubectl"]
fn kustomize_builds_the_base() {
    let (_folder, _, built) = built("base");
    for kind in [
        "Namespace",
        "ServiceAccount",
        "ConfigMap",
        "Secret",
        "Service",
        "PersistentVolumeClaim",
        "Deployment",
        "NetworkPolicy",
    ] {
        assert!(built.contains(&format!("kind: {kind}\n")), "{kind} is missing");
    }
    assert!(built.contains("secretName: offboardd-"), "the secret is not referred to by its hash");
    assert!(built.contains("replicas: 1\n") && built.contains("type: Recreate\n"), "{built}");
}

#[test]
#[ignore = "needs kubectl"]
fn kustomize_builds_two_replicas_over_postgres() {
    let (_folder, _, built) = built("postgres");
    for part in [
        "replicas: 2\n",
        "type: RollingUpdate\n",
        "maxUnavailable: 0\n",
        "kind: PodDisruptionBudget\n",
        "minAvailable: 1\n",
        "topologyKey: kubernetes.io/hostname\n",
        "port: 5432\n",
        "url = { file = \"/run/secrets/store-url\" }",
        "  store-url: ",
        "secretName: offboardd-",
        "terminationGracePeriodSeconds: 45\n",
    ] {
        assert!(built.contains(part), "{part} is missing in {built}");
    }
    // The database holds everything: there is neither a volume nor a file of SQLite.
    for part in ["PersistentVolumeClaim", "persistentVolumeClaim", "mountPath: /data", "sqlite:"] {
        assert!(!built.contains(part), "{part} is left in {built}");
    }
}

#[test]
#[ignore = "needs kubectl and kubernetes-validate (PyPI)"]
fn schemas_of_kubernetes_accept_the_manifests() {
    for overlay in ["base", "postgres"] {
        let (_folder, file, built) = built(overlay);
        let printed = run(Command::new("kubernetes-validate").arg("--strict").arg(&file));
        let manifests = built.matches("\nkind: ").count();
        assert!(manifests > 7 && printed.matches("passed").count() == manifests, "{overlay}: {printed}");
    }
}
