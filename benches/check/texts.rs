//! Compose files of several shapes, the same each time.

use std::fmt::Write as _;

/// A file with `services` services of the usual kinds: about a kilobyte each.
pub(crate) fn services(services: usize) -> String {
    let mut text = "# What the application needs.\nname: app\nservices:\n".to_owned();
    for number in 0..services {
        let _ = writeln!(text, "  app-{number}:\n    image: example/app:{}\n    restart: unless-stopped", number % 20);
        text.push_str("    environment:\n");
        for setting in 0..10 {
            let _ = writeln!(text, "      SETTING_{setting:02}: \"value {setting} of {number}, as it comes\"");
        }
        let _ = writeln!(text, "    volumes:\n      - data:/var/lib/data # kept\n      - ./config/{number}:/etc/app:ro");
        let _ = writeln!(text, "    labels:\n      - proxy.enable=true\n      - proxy.rule=Host(`app{number}.example.org`)");
        let _ = writeln!(text, "    ports:\n{}", entry(number));
    }
    text
}

fn entry(number: usize) -> String {
    let port = 1024 + number * 131 % 60_000;
    match number % 4 {
        0 => format!("      - \"{port}:80\""),
        1 => format!("      - \"127.0.0.1:{port}:5432\""),
        2 => format!("      - \"${{BIND:-127.0.0.1}}:${{PORT:-{port}}}:8080\""),
        _ => format!("      - target: 6379\n        published: \"{port}\"\n        protocol: tcp"),
    }
}

/// A file in which every service takes its ports through a merge key and an alias, `depth` anchors deep.
pub(crate) fn aliases(services: usize, depth: usize) -> String {
    let mut text = "x-ports: &ports [\"8080:80\", \"127.0.0.1:8443:443\"]\nx-0: &a0 {image: nginx, ports: *ports}\n".to_owned();
    for level in 1..depth {
        let _ = writeln!(text, "x-{level}: &a{level}\n  <<: *a{}\n  restart: always", level - 1);
    }
    text.push_str("services:\n");
    for number in 0..services {
        let _ = writeln!(text, "  app-{number}:\n    <<: *a{}", depth - 1);
    }
    text
}
