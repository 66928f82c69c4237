# Writes the inputs of benches/time.sh, the same each time. Variables: root (a folder that holds the folders of the tree), or
# single (one file) with bytes (its least size) and aliases (1: all ports through anchors and merge keys).

function service(name, number, n,    port, k) {
    port = 1024 + (number * 7 + n * 131) % 60000
    printf "  %s:\n    image: %s:%d.%d\n    restart: unless-stopped\n", name, image[(number + n) % 5 + 1], number % 20, n > out
    printf "    environment:\n" > out
    for (k = 0; k < 6 + number % 4; k++) printf "      SETTING_%02d: \"value %d of %d, as it comes\"\n", k, k, number > out
    printf "    volumes:\n      - data-%d:/var/lib/data # kept\n      - ./config/%d:/etc/app:ro\n", n, n > out
    printf "    healthcheck:\n      test: [\"CMD\", \"curl\", \"-fsS\", \"http://localhost:%d/health\"]\n      interval: 30s\n", port > out
    printf "    labels:\n      - proxy.enable=true\n      - proxy.routers.r%d.rule=Host(`app%d.example.org`)\n", n, number > out
    printf "    depends_on:\n      - other\n    ports:\n" > out
    if (n % 4 == 0) printf "      - \"%d:80\"\n", port > out
    else if (n % 4 == 1) printf "      - \"127.0.0.1:%d:5432\"\n", port > out
    else if (n % 4 == 2) printf "      - \"${BIND:-127.0.0.1}:${PORT_%d:-%d}:8080\"\n", n, port > out
    else printf "      - target: 6379\n        published: \"%d\"\n        protocol: tcp\n", port > out
}

# One project of about 3.4 kB; every tenth has a .env, every nineteenth an override file.
function project(number, folder,    n) {
    out = folder "/compose.yaml"
    printf "# The application number %d, with what it needs.\nname: app-%04d\nservices:\n", number, number > out
    for (n = 0; n < 2 + number % 6; n++) service(kind[(number + n) % 5 + 1] "-" n, number, n)
    printf "volumes:\n" > out
    for (n = 0; n < 2 + number % 6; n++) printf "  data-%d: {}\n", n > out
    close(out)
    if (number % 10 == 0) {
        out = folder "/.env"
        printf "BIND=10.0.0.1\nPORT_2=%d\n", 2000 + number > out
        close(out)
    }
    if (number % 19 == 0) {
        out = folder "/compose.override.yaml"
        printf "services:\n  %s-0:\n    ports:\n      - \"127.0.0.1:%d:80\"\n", kind[number % 5 + 1], 3000 + number > out
        close(out)
    }
}

# Services until the file is large enough; with aliases, each takes its ports from an anchor.
function long_file(    number) {
    out = single
    printf "x-ports: &ports [\"8080:80\", \"127.0.0.1:8443:443\"]\nx-base: &base\n  image: nginx\n  ports: *ports\nservices:\n" > out
    for (size = 0; size < bytes; number++) {
        if (aliases) {
            printf "  app-%06d:\n    <<: *base\n    ports: *ports\n    restart: unless-stopped # as all of them\n", number > out
            size += 90
        } else {
            service("app-" number, number, number)
            size += 950
        }
    }
    close(out)
}

BEGIN {
    split("web db app cache worker", kind, " ")
    split("nginx postgres ghcr.io/example/app redis python", image, " ")
    if (single) long_file()
    else for (i = 0; i < 2850; i++) project(i, sprintf("%s/group-%02d/app-%04d", root, i % 30, i))
}
