//! The rows: one service each. Where two rows match, the first counts; consoles come before what they administer.

use super::Kind::{Access, Console, Control, Coordination, Engine, Gate, Metrics, Queue, Store};
use super::{Kind, Sensitive};

type Names = &'static [&'static str];
type Ports = &'static [u32];

const fn row(name: &'static str, kind: Kind, images: Names, ports: Ports, telling: Ports, why: &'static str) -> Sensitive {
    Sensitive { name, kind, images, ports, telling, why, speaks_udp: false }
}

/// A row whose service speaks UDP on its ports as well.
const fn udp(row: Sensitive) -> Sensitive {
    Sensitive { speaks_udp: true, ..row }
}

const ALL_DATA: &str = "whoever gets in may read and change data";
const NO_LOGIN: &str = "it asks for no login by default";
const ADMIN: &str = "administrators log in here";
const RUNS: &str = "whoever gets in may run code";

/// Sensitive services.
#[rustfmt::skip]
pub(super) static SERVICES: &[Sensitive] = &[
    // Consoles.
    row("phpMyAdmin", Console, &["phpmyadmin"], &[80, 443, 8080], &[], ADMIN),
    row("Adminer", Console, &["adminer", "adminerevo"], &[80, 8080], &[], ADMIN),
    row("pgAdmin", Console, &["pgadmin", "pgadmin4"], &[80, 443, 5050], &[], ADMIN),
    row("phpLDAPadmin", Console, &["phpldapadmin"], &[80, 443, 8080], &[], ADMIN),
    row("pgweb", Console, &["pgweb"], &[8081], &[], ADMIN),
    row("CloudBeaver", Console, &["cloudbeaver"], &[8978], &[8978], ADMIN),
    row("mongo-express", Console, &["mongo-express"], &[8081], &[], ADMIN),
    row("Redis Commander", Console, &["redis-commander"], &[8081], &[], NO_LOGIN),
    row("Redis Insight", Console, &["redisinsight"], &[5540, 8001], &[5540], NO_LOGIN),
    row("phpRedisAdmin", Console, &["phpredisadmin"], &[80], &[], ADMIN),
    row("RedisStack's console", Console, &["redis-stack"], &[8001], &[], NO_LOGIN),
    row("Portainer", Console, &["portainer", "portainer-ce", "portainer-ee"], &[9000, 9443], &[], "it commands the Docker engine"),
    row("Portainer's agent", Engine, &["portainer/agent"], &[9001], &[], "it commands the Docker engine"),
    row("Dockge", Console, &["dockge"], &[5001], &[], "it commands the Docker engine"),
    row("Yacht", Console, &["selfhostedpro/yacht"], &[8000], &[], "it commands the Docker engine"),
    row("Dozzle", Console, &["dozzle"], &[8080], &[], "it shows all logs, without login"),
    row("Traefik's dashboard", Console, &["traefik"], &[8080], &[], "it shows every route, without login"),
    row("Nginx Proxy Manager's console", Console, &["nginx-proxy-manager"], &[81], &[], ADMIN),
    row("Kibana", Console, &["kibana"], &[5601], &[5601], "it shows all that Elasticsearch holds"),
    row("OpenSearch Dashboards", Console, &["opensearch-dashboards"], &[5601], &[], "it shows all that OpenSearch holds"),
    row("Cerebro", Console, &["cerebro"], &[9000], &[], NO_LOGIN),
    row("a Kafka console", Console, &["kafka-ui", "kafdrop", "akhq", "cmak", "kafka-manager", "redpanda-console", "redpandadata/console", "cp-enterprise-control-center"], &[8080, 9000, 9021], &[], NO_LOGIN),
    row("Flower", Console, &["flower"], &[5555], &[], "it commands Celery, without login"),
    row("Airflow", Console, &["airflow"], &[8080], &[], ADMIN),
    row("Hadoop", Console, &["hadoop", "namenode", "resourcemanager"], &[8088, 9870, 50070], &[9870, 50070], RUNS),
    row("Spark", Console, &["spark", "spark-master"], &[7077, 8080, 8081], &[7077], RUNS),
    row("MinIO's console", Console, &["minio"], &[9001], &[], ADMIN),
    row("Hasura", Console, &["hasura/graphql-engine"], &[8080], &[], "it is open to all without a secret"),
    row("Rancher", Console, &["rancher"], &[80, 443], &[], "it commands clusters"),
    row("Webmin", Console, &["webmin"], &[10000], &[], RUNS),
    row("Consul", Coordination, &["consul"], &[8500, 8501, 8300, 8301], &[], "it holds a cluster's state"),
    row("Mailpit", Console, &["mailpit"], &[8025], &[8025], "it shows all mail, without login"),
    row("MailHog", Console, &["mailhog"], &[8025], &[], "it shows all mail, without login"),
    row("MailDev", Console, &["maildev", "mailcatcher"], &[1080], &[], "it shows all mail, without login"),
    row("RabbitMQ's console", Console, &["rabbitmq"], &[15672], &[15672], "guest/guest is its first login"),
    // What runs code.
    row("Docker's API", Engine, &["docker", "docker-socket-proxy", "socket-proxy", "dind"], &[2375, 2376], &[2375, 2376], "whoever gets in is root on this host"),
    row("Jupyter", Control, &["jupyter", "notebook", "minimal-notebook", "scipy-notebook", "datascience-notebook", "tensorflow-notebook", "pyspark-notebook", "all-spark-notebook", "base-notebook", "jupyterlab"], &[8888], &[], RUNS),
    row("RStudio", Control, &["rstudio"], &[8787], &[], RUNS),
    row("Jenkins", Control, &["jenkins"], &[8080, 50000], &[], RUNS),
    row("code-server", Control, &["code-server", "openvscode-server"], &[8080, 8443, 3000], &[], RUNS),
    row("Selenium", Control, &["selenium", "standalone-chrome", "standalone-firefox", "standalone-chromium", "standalone-edge", "selenoid"], &[4444, 5900, 7900], &[], RUNS),
    row("Selenium's hub", Control, &["hub", "selenium-hub"], &[4442, 4443, 4444], &[], RUNS),
    row("Chrome's debugger", Control, &["chrome", "alpine-chrome", "chromium", "headless-shell"], &[9222], &[9222], RUNS),
    row("Browserless", Control, &["browserless", "browserless/chrome", "browserless/chromium"], &[3000], &[], RUNS),
    row("Node's debugger", Control, &["node"], &[9229], &[9229], RUNS),
    row("Java's debugger", Control, &["java", "openjdk", "tomcat"], &[5005], &[], RUNS),
    row("Python's debugger", Control, &["python"], &[5678], &[], RUNS),
    row("Delve, Go's debugger", Control, &["golang"], &[2345], &[], RUNS),
    row("Ollama", Control, &["ollama"], &[11434], &[11434], NO_LOGIN),
    // Databases, caches, search.
    row("PostgreSQL", Store, &["postgres", "postgresql", "postgis", "timescaledb", "timescaledb-ha", "pgvector", "pgvecto-rs", "pgbouncer", "spilo", "supabase/postgres", "paradedb", "edb", "pgpool"], &[5432, 5433, 6432], &[5432], ALL_DATA),
    row("MySQL", Store, &["mysql", "mysql-server", "percona", "percona-server", "percona-xtradb-cluster", "proxysql", "mysql-router"], &[3306, 3307, 33060, 6033, 6446], &[3306], ALL_DATA),
    row("MariaDB", Store, &["mariadb", "mariadb-galera"], &[3306, 3307], &[], ALL_DATA),
    row("MongoDB", Store, &["mongo", "mongodb", "mongodb-community-server", "percona-server-mongodb", "ferretdb"], &[27017, 27018, 27019], &[27017], ALL_DATA),
    row("Redis", Store, &["redis", "redis-stack", "redis-stack-server", "redis-sentinel", "redis-cluster", "rejson", "redismod"], &[6379, 6380, 7000, 7001, 16379, 26379], &[6379], NO_LOGIN),
    row("Valkey", Store, &["valkey", "valkey-bundle"], &[6379], &[], NO_LOGIN),
    row("KeyDB", Store, &["keydb"], &[6379], &[], NO_LOGIN),
    row("Dragonfly", Store, &["dragonfly"], &[6379], &[], NO_LOGIN),
    udp(row("memcached", Store, &["memcached"], &[11211], &[11211], NO_LOGIN)),
    row("Elasticsearch", Store, &["elasticsearch"], &[9200, 9300], &[9200, 9300], ALL_DATA),
    row("OpenSearch", Store, &["opensearch"], &[9200, 9300, 9600], &[], ALL_DATA),
    row("CouchDB", Store, &["couchdb"], &[5984], &[5984], ALL_DATA),
    row("Couchbase", Store, &["couchbase"], &[8091, 8092, 8093, 11210], &[], ALL_DATA),
    row("Cassandra", Store, &["cassandra"], &[9042, 9160, 7000, 7199], &[9042], NO_LOGIN),
    row("ScyllaDB", Store, &["scylla"], &[9042, 10000, 7000], &[], NO_LOGIN),
    row("InfluxDB", Store, &["influxdb"], &[8086], &[], ALL_DATA),
    row("ClickHouse", Store, &["clickhouse", "clickhouse-server"], &[8123, 9000, 9009], &[], ALL_DATA),
    row("Neo4j", Store, &["neo4j"], &[7474, 7687], &[7687], ALL_DATA),
    row("RethinkDB", Store, &["rethinkdb"], &[8080, 28015, 29015], &[28015], NO_LOGIN),
    row("SQL Server", Store, &["mssql/server", "mssql", "azure-sql-edge"], &[1433], &[1433], ALL_DATA),
    row("Oracle Database", Store, &["oracle", "oracle-xe", "oracle-free", "database/free", "database/enterprise", "database/express"], &[1521, 5500], &[1521], ALL_DATA),
    row("CockroachDB", Store, &["cockroach", "cockroachdb"], &[26257, 8080], &[26257], ALL_DATA),
    row("ArangoDB", Store, &["arangodb"], &[8529], &[8529], ALL_DATA),
    row("SurrealDB", Store, &["surrealdb"], &[8000], &[], ALL_DATA),
    row("Firebird", Store, &["firebird"], &[3050], &[3050], ALL_DATA),
    row("Qdrant", Store, &["qdrant"], &[6333, 6334], &[6333, 6334], NO_LOGIN),
    row("Weaviate", Store, &["weaviate"], &[8080, 50051], &[], NO_LOGIN),
    row("Milvus", Store, &["milvus"], &[19530, 9091], &[19530], NO_LOGIN),
    row("Chroma", Store, &["chroma", "chromadb"], &[8000], &[], NO_LOGIN),
    row("Meilisearch", Store, &["meilisearch"], &[7700], &[7700], ALL_DATA),
    row("Typesense", Store, &["typesense"], &[8108], &[8108], ALL_DATA),
    row("Solr", Store, &["solr"], &[8983], &[8983], NO_LOGIN),
    row("Sonic", Store, &["sonic"], &[1491], &[], ALL_DATA),
    row("VictoriaMetrics", Store, &["victoria-metrics"], &[8428], &[8428], NO_LOGIN),
    row("Graphite", Store, &["graphite-statsd", "graphite"], &[2003, 2004, 8126], &[], NO_LOGIN),
    row("YugabyteDB", Store, &["yugabyte"], &[5433, 9042, 7000, 9000], &[], ALL_DATA),
    row("TiDB", Store, &["tidb"], &[4000, 10080], &[], ALL_DATA),
    row("CrateDB", Store, &["crate"], &[4200, 5432], &[], NO_LOGIN),
    row("QuestDB", Store, &["questdb"], &[8812, 9000, 9009], &[], ALL_DATA),
    row("Manticore", Store, &["manticore"], &[9306, 9308, 9312], &[], NO_LOGIN),
    row("RavenDB", Store, &["ravendb"], &[8080, 38888], &[], ALL_DATA),
    row("Dgraph", Store, &["dgraph"], &[8080, 9080], &[], NO_LOGIN),
    row("Tarantool", Store, &["tarantool"], &[3301], &[], NO_LOGIN),
    row("Aerospike", Store, &["aerospike", "aerospike-server"], &[3000], &[], NO_LOGIN),
    row("Hazelcast", Store, &["hazelcast"], &[5701], &[], NO_LOGIN),
    row("DynamoDB local", Store, &["dynamodb-local"], &[8000], &[], NO_LOGIN),
    row("HBase", Store, &["hbase"], &[16000, 16010, 16020], &[], NO_LOGIN),
    // File shares, directories.
    udp(row("NFS", Store, &["nfs", "nfs-server"], &[2049, 111], &[2049], "it trusts addresses, not people")),
    row("SMB", Store, &["samba", "smb"], &[445, 139], &[445, 139], "files, and a usual target of worms"),
    udp(row("LDAP", Store, &["openldap", "glauth", "lldap", "389ds", "dirsrv"], &[389, 636, 1389, 3890], &[389], "it lists every account")),
    row("rsync", Store, &["rsync", "rsyncd"], &[873], &[873], ALL_DATA),
    udp(row("SNMP", Metrics, &["snmpd"], &[161], &[161], "it tells all about a host")),
    // Queues.
    row("Kafka", Queue, &["kafka", "cp-kafka"], &[9092, 9093, 9094, 29092, 19092], &[9092], NO_LOGIN),
    row("Redpanda", Queue, &["redpanda"], &[9092, 9644, 19092, 29092], &[], NO_LOGIN),
    row("RabbitMQ", Queue, &["rabbitmq"], &[5672, 4369, 25672], &[5672], "guest/guest is its first login"),
    row("NATS", Queue, &["nats", "nats-streaming", "nats-server"], &[4222, 6222, 8222], &[4222], NO_LOGIN),
    row("ActiveMQ", Queue, &["activemq", "activemq-artemis", "activemq-classic"], &[61616, 8161, 61613], &[61616, 8161], "admin/admin is its first login"),
    row("Pulsar", Queue, &["pulsar"], &[6650, 8080], &[6650], NO_LOGIN),
    row("RocketMQ", Queue, &["rocketmq"], &[9876, 10909, 10911], &[], NO_LOGIN),
    row("beanstalkd", Queue, &["beanstalkd"], &[11300], &[11300], NO_LOGIN),
    row("NSQ", Queue, &["nsq"], &[4150, 4151, 4160, 4161], &[], NO_LOGIN),
    row("gearmand", Queue, &["gearmand"], &[4730], &[4730], NO_LOGIN),
    row("Mosquitto", Gate, &["mosquitto", "eclipse-mosquitto"], &[1883, 9001], &[1883], "MQTT without TLS; often without login"),
    row("EMQX", Gate, &["emqx"], &[1883, 18083], &[18083], "MQTT without TLS, and its console"),
    row("HiveMQ", Gate, &["hivemq", "hivemq4", "hivemq-ce"], &[1883, 8080], &[], "MQTT without TLS, and its console"),
    row("Temporal", Queue, &["auto-setup", "temporal"], &[7233], &[7233], "it runs workflows, without login"),
    // What holds clusters together, and secrets.
    row("etcd", Coordination, &["etcd"], &[2379, 2380], &[2379, 2380], "it holds a cluster's secrets"),
    row("ZooKeeper", Coordination, &["zookeeper", "cp-zookeeper"], &[2181, 2888, 3888], &[2181], NO_LOGIN),
    row("Vault", Coordination, &["vault", "openbao"], &[8200], &[], "it holds secrets"),
    row("Nomad", Coordination, &["nomad"], &[4646], &[4646], RUNS),
    // Numbers.
    row("Prometheus", Metrics, &["prometheus"], &[9090], &[], NO_LOGIN),
    row("Alertmanager", Metrics, &["alertmanager"], &[9093], &[], NO_LOGIN),
    row("Pushgateway", Metrics, &["pushgateway"], &[9091], &[], NO_LOGIN),
    row("node-exporter", Metrics, &["node-exporter"], &[9100], &[9100], "it tells all about this host"),
    row("cAdvisor", Metrics, &["cadvisor"], &[8080], &[], "it lists every container, without login"),
    row("Loki", Metrics, &["loki"], &[3100], &[], "all logs, without login"),
    row("Netdata", Metrics, &["netdata"], &[19999], &[19999], "it tells all about this host"),
    row("Glances", Metrics, &["glances"], &[61208, 61209], &[61208], "it tells all about this host"),
    row("Zipkin", Metrics, &["zipkin"], &[9411], &[9411], NO_LOGIN),
    row("Jaeger", Metrics, &["all-in-one", "jaeger"], &[16686], &[16686], NO_LOGIN),
    // Screens and shells.
    udp(row("remote desktop (RDP)", Access, &["xrdp", "rdesktop", "windows"], &[3389], &[3389], "passwords are tried on it all day")),
    row("VNC", Access, &["vnc", "novnc", "ubuntu-desktop-lxde-vnc", "x11vnc"], &[5900, 5901, 6901, 6080], &[5900, 5901], "a screen, often without login"),
    row("Telnet", Access, &["telnet"], &[23], &[23], "passwords cross the wire in clear"),
    row("SSH", Gate, &["openssh-server", "sshd", "ssh", "sftp"], &[22, 2222], &[22], "passwords are tried on it all day"),
    row("FTP", Gate, &["vsftpd", "pure-ftpd", "proftpd", "ftp"], &[21], &[21], "passwords cross the wire in clear"),
    row("a desktop in the browser", Access, &["webtop", "kasm", "linuxserver/chromium", "linuxserver/firefox"], &[3000, 3001], &[], "a screen, often without login"),
    row("MinIO", Gate, &["minio"], &[9000], &[], "minioadmin/minioadmin is its first login"),
    row("a registry", Gate, &["registry"], &[5000], &[], NO_LOGIN),
];
