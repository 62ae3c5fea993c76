//! The files of Docker Compose: what a first start needs, and what must stay out of images and of git.

use crate::documents::document;

const FILES: [&str; 2] = ["deploy/compose.yaml", "deploy/compose.postgres.yaml"];

#[test]
fn compose_builds_the_image_in_one_service_only() {
    // Two builds of one image at the same time fail: "already exists".
    for file in FILES {
        assert_eq!(document(file).matches("build:\n").count(), 1, "{file}");
    }
}

#[test]
fn compose_names_its_project_so_that_no_other_folder_shares_its_volumes() {
    for file in FILES {
        assert!(document(file).contains("\nname: offboardd\n"), "{file}");
    }
}

#[test]
fn health_of_the_database_is_read_where_the_first_start_does_not_answer() {
    let file = document("deploy/compose.postgres.yaml");
    let check = file.lines().find(|line| line.contains("pg_isready")).unwrap();
    assert!(check.contains("\"--host=127.0.0.1\""), "{check}");
}

#[test]
fn settings_and_secrets_of_compose_stay_out_of_git_and_of_the_build() {
    let lines = |name: &str| document(name).lines().map(str::to_owned).collect::<Vec<_>>();
    for (name, patterns) in [
        (".gitignore", ["/deploy/offboardd.toml", "/deploy/secrets"]),
        (".dockerignore", ["**/offboardd.toml", "**/secrets"]),
    ] {
        for pattern in patterns {
            assert!(lines(name).iter().any(|line| line == pattern), "{name} has no line {pattern}");
        }
    }
    for folder in ["base", "postgres"] {
        let ignored = document(&format!("deploy/kubernetes/{folder}/secrets/.gitignore"));
        assert!(ignored.starts_with("*\n"), "{folder}: {ignored}");
    }
}
