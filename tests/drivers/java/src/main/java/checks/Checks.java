package checks;

import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.config.ProgrammaticDriverConfigLoaderBuilder;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.ResultSet;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.data.CqlDuration;
import com.datastax.oss.driver.api.core.data.CqlVector;
import com.datastax.oss.driver.api.core.data.TupleValue;
import com.datastax.oss.driver.api.core.data.UdtValue;
import com.datastax.oss.driver.api.core.metadata.Node;
import com.datastax.oss.driver.api.core.metadata.schema.KeyspaceMetadata;
import com.datastax.oss.driver.api.core.metadata.schema.TableMetadata;
import com.datastax.oss.driver.api.core.servererrors.AlreadyExistsException;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.SyntaxError;
import com.datastax.oss.driver.api.core.servererrors.UnavailableException;
import com.datastax.oss.driver.api.core.type.DataTypes;
import com.datastax.oss.driver.api.core.type.TupleType;
import com.datastax.oss.driver.api.core.type.UserDefinedType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletionStage;

/** The Java driver 4 against a node: by its defaults, on v5 and v4, with and without compression. One line per check. */
public final class Checks {
  private static final String HOST = System.getenv("NODE_HOST");
  private static final int PORT = Integer.parseInt(System.getenv("NODE_PORT"));
  private static int passed;
  private static int failed;

  private interface Body {
    void run() throws Exception;
  }

  private static void check(String title, Body body) {
    long begun = System.nanoTime();
    try {
      body.run();
      passed++;
      System.out.printf("ok    java: %s (%.1f s)%n", title, (System.nanoTime() - begun) / 1e9);
    } catch (Throwable error) {
      failed++;
      System.out.println("FAIL  java: " + title);
      System.out.println("      " + error);
      for (StackTraceElement place : error.getStackTrace()) {
        if (place.getClassName().startsWith("checks.")) System.out.println("      " + place);
      }
    }
  }

  private static void equal(Object got, Object expected) {
    if (!Objects.equals(got, expected)) throw new AssertionError("got " + got + ", expected " + expected);
  }

  private static <E extends Exception> E raises(Class<E> kind, Body body) {
    try {
      body.run();
    } catch (Exception error) {
      if (kind.isInstance(error)) return kind.cast(error);
      throw new AssertionError("got " + error + ", expected " + kind.getSimpleName(), error);
    }
    throw new AssertionError("no error, expected " + kind.getSimpleName());
  }

  private static CqlSession open(String version, String compression) {
    ProgrammaticDriverConfigLoaderBuilder config =
        DriverConfigLoader.programmaticBuilder()
            .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(20))
            // By default the driver waits a second for more changes before it reads the schema again.
            .withDuration(DefaultDriverOption.METADATA_SCHEMA_WINDOW, Duration.ofMillis(20));
    if (version != null) config.withString(DefaultDriverOption.PROTOCOL_VERSION, version);
    if (compression != null) config.withString(DefaultDriverOption.PROTOCOL_COMPRESSION, compression);
    CqlSessionBuilder builder = CqlSession.builder().addContactPoint(new InetSocketAddress(HOST, PORT));
    return builder.withLocalDatacenter("datacenter1").withConfigLoader(config.build()).build();
  }

  public static void main(String[] arguments) {
    check("connects by its defaults, on v5", Checks::defaults);
    for (String version : List.of("V5", "V4")) {
      for (String compression : version.equals("V5") ? List.of("lz4") : List.of("lz4", "snappy")) {
        check(version + " with " + compression, () -> compressed(version, compression));
      }
      try (CqlSession session = open(version, null)) {
        String keyspace = "java_" + version.toLowerCase();
        session.execute("CREATE KEYSPACE " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
        session.execute("USE " + keyspace);
        check(version + ": schema metadata", () -> schema(session, keyspace));
        check(version + ": every type", () -> types(session));
        check(version + ": bound by name, null and unset", () -> named(session));
        check(version + ": pages, to and fro", () -> pages(session));
        check(version + ": many requests at once", () -> concurrent(session));
        check(version + ": batches", () -> batches(session));
        check(version + ": errors", () -> errors(session, keyspace));
        check(version + ": SELECT * prepared before ALTER", () -> altered(session));
      } catch (Exception error) {
        check(version + ": session", () -> { throw error; });
      }
    }
    System.out.printf("java: %d passed, %d failed%n", passed, failed);
    System.exit(failed == 0 ? 0 : 1);
  }

  private static void defaults() {
    try (CqlSession session =
        CqlSession.builder().addContactPoint(new InetSocketAddress(HOST, PORT)).withLocalDatacenter("datacenter1").build()) {
      equal(session.getContext().getProtocolVersion().getCode(), 5);
      Row row = session.execute("SELECT release_version, data_center FROM system.local").one();
      equal(row.getString("data_center"), "datacenter1");
      Node node = session.getMetadata().getNodes().values().iterator().next();
      equal(session.getMetadata().getNodes().size(), 1);
      equal(node.getCassandraVersion().getMajor(), 5);
      equal(session.getMetadata().getTokenMap().get().getTokens(node).size(), 16);
    }
  }

  private static void compressed(String version, String compression) {
    try (CqlSession session = open(version, compression)) {
      String keyspace = "java_" + version + "_" + compression;
      session.execute("CREATE KEYSPACE " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
      session.execute("CREATE TABLE " + keyspace + ".t (id int PRIMARY KEY, v text)");
      PreparedStatement insert = session.prepare("INSERT INTO " + keyspace + ".t (id, v) VALUES (?, ?)");
      for (int length : new int[] {0, 1, 600, 131072, 400000}) session.execute(insert.bind(length, "ab".repeat(length / 2)));
      int rows = 0;
      for (Row row : session.execute("SELECT id, v FROM " + keyspace + ".t")) {
        equal(row.getString("v").length(), row.getInt("id") / 2 * 2);
        rows++;
      }
      equal(rows, 5);
    }
  }

  private static void schema(CqlSession session, String keyspace) {
    session.execute("CREATE TYPE point (x double, y double)");
    session.execute(
        "CREATE TABLE readings (sensor uuid, day date, at timestamp, \"Value\" double, place frozen<point>, unit text static, "
            + "tags map<text, frozen<list<int>>>, near vector<float, 3>, PRIMARY KEY ((sensor, day), at)) "
            + "WITH CLUSTERING ORDER BY (at DESC) AND comment = 'it''s'");
    KeyspaceMetadata seen = session.getMetadata().getKeyspace(keyspace).get();
    TableMetadata table = seen.getTable("readings").get();
    equal(table.getPartitionKey().size(), 2);
    equal(table.getClusteringColumns().values().iterator().next().name(), "DESC");
    equal(table.getColumn("unit").get().isStatic(), true);
    equal(table.getColumn(CqlIdentifier.fromInternal("Value")).get().getType(), DataTypes.DOUBLE);
    equal(table.getColumn("near").get().getType().asCql(false, false), "vector<float, 3>");
    equal(table.getOptions().get(CqlIdentifier.fromCql("comment")), "it's");
    equal(seen.getUserDefinedType("point").get().getFieldNames().size(), 2);
    String text = table.describe(false);
    session.execute("DROP TABLE readings");
    equal(session.getMetadata().getKeyspace(keyspace).get().getTable("readings").isPresent(), false);
    session.execute(text);
    equal(session.getMetadata().getKeyspace(keyspace).get().getTable("readings").get().describe(false), text);
    equal(session.checkSchemaAgreement(), true);
  }

  private static void types(CqlSession session) throws Exception {
    session.execute("CREATE TYPE pair (a int, b text)");
    session.execute(
        "CREATE TABLE everything (id int PRIMARY KEY, a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h duration, i float, "
            + "j inet, k smallint, l text, m time, n timestamp, o timeuuid, p tinyint, q uuid, r varint, s list<int>, t set<text>, "
            + "u map<text, int>, v tuple<int, text>, w frozen<pair>, x vector<float, 3>)");
    PreparedStatement insert =
        session.prepare(
            "INSERT INTO everything (id, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x) "
                + "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    UserDefinedType pair = (UserDefinedType) insert.getVariableDefinitions().get("w").getType();
    TupleType tuple = (TupleType) insert.getVariableDefinitions().get("v").getType();
    UdtValue pairValue = pair.newValue(1, "one");
    TupleValue tupleValue = tuple.newValue(2, "two");
    Object[] values = {
      1, "ascii", Long.MIN_VALUE, ByteBuffer.wrap(new byte[] {1, 2}), true, LocalDate.of(1969, 12, 31), new BigDecimal("-1.50"), -0.0,
      CqlDuration.newInstance(1, 2, 3), Float.NaN, InetAddress.getByName("::1"), (short) -1, "\u65e5\u672c", LocalTime.of(23, 59, 59, 999999999),
      Instant.ofEpochMilli(-1), UUID.fromString("c232ab00-9414-11ec-b3c8-9f6bdeced846"), (byte) -128, new UUID(1L << 14, Long.MIN_VALUE), BigInteger.TWO.pow(100).negate(),
      List.of(3, 1, 2), Set.of("x", "y"), Map.of("k", 1), tupleValue, pairValue, CqlVector.newInstance(1.0f, -2.5f, 0.0f)
    };
    session.execute(insert.bind(values));
    Row row = session.execute("SELECT id, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x FROM everything WHERE id = 1").one();
    for (int column = 0; column < values.length; column++) equal(row.getObject(column), values[column]);
    Row named = session.execute("SELECT * FROM everything WHERE id = 1").one();
    equal(named.getUdtValue("w"), pairValue);
  }

  private static void named(CqlSession session) {
    session.execute("CREATE TABLE named (a int, b text, c double, d int, PRIMARY KEY (a, b))");
    PreparedStatement insert = session.prepare("INSERT INTO named (a, b, c, d) VALUES (:a, :b, :c, :d) USING TTL :life");
    session.execute(insert.bind().setInt("a", 1).setString("b", "b").setDouble("c", 0.5).setInt("d", 4).setInt("life", 1000));
    session.execute(insert.bind().setInt("a", 1).setString("b", "b").setToNull("c").setInt("life", 0));
    Row row = session.execute("SELECT c, d, ttl(d) FROM named WHERE a = 1").one();
    equal(row.isNull("c"), true);
    equal(row.getInt("d"), 4);
    equal(row.getInt("ttl(d)") > 900, true);
    PreparedStatement limited = session.prepare("SELECT b FROM named WHERE a = ? LIMIT ?");
    equal(session.execute(limited.bind().setInt("a", 1).setInt("[limit]", 1)).one().getString("b"), "b");
    SimpleStatement simple = SimpleStatement.builder("SELECT d FROM named WHERE a = :a AND b = :b").addNamedValue("b", "b").addNamedValue("a", 1).build();
    equal(session.execute(simple).one().getInt(0), 4);
  }

  private static void pages(CqlSession session) {
    session.execute("CREATE TABLE pages (p int, c int, v text, PRIMARY KEY (p, c))");
    PreparedStatement insert = session.prepare("INSERT INTO pages (p, c, v) VALUES (?, ?, ?)");
    List<CompletionStage<AsyncResultSet>> writes = new ArrayList<>();
    for (int n = 0; n < 4000; n++) {
      writes.add(session.executeAsync(insert.bind(n % 4, n, "v" + n)));
      // The driver takes 1024 at once on its one connection.
      if (n % 1000 == 999) writes.forEach(write -> write.toCompletableFuture().join());
    }
    long sum = 0;
    for (Row row : session.execute(SimpleStatement.newInstance("SELECT c FROM pages").setPageSize(101))) sum += row.getInt("c");
    equal(sum, 4000L * 3999 / 2);
    // Page by page, with the state carried over by hand.
    PreparedStatement select = session.prepare("SELECT c FROM pages WHERE p = ? ORDER BY c DESC");
    ByteBuffer state = null;
    List<Integer> got = new ArrayList<>();
    do {
      ResultSet page = session.execute(select.bind(1).setPageSize(99).setPagingState(state));
      for (int left = page.getAvailableWithoutFetching(); left > 0; left--) got.add(page.one().getInt(0));
      state = page.getExecutionInfo().getPagingState();
    } while (state != null);
    List<Integer> expected = new ArrayList<>();
    for (int n = 3997; n >= 1; n -= 4) expected.add(n);
    equal(got, expected);
  }

  private static void concurrent(CqlSession session) {
    session.execute("CREATE TABLE busy (id int PRIMARY KEY, v int)");
    PreparedStatement insert = session.prepare("INSERT INTO busy (id, v) VALUES (?, ?)");
    PreparedStatement select = session.prepare("SELECT v FROM busy WHERE id = ?");
    for (int round = 0; round < 5; round++) {
      List<CompletionStage<AsyncResultSet>> writes = new ArrayList<>();
      for (int n = 0; n < 1000; n++) writes.add(session.executeAsync(insert.bind(round * 1000 + n, n)));
      writes.forEach(write -> write.toCompletableFuture().join());
      List<CompletionStage<AsyncResultSet>> reads = new ArrayList<>();
      for (int n = 0; n < 1000; n++) reads.add(session.executeAsync(select.bind(round * 1000 + n)));
      for (int n = 0; n < 1000; n++) equal(reads.get(n).toCompletableFuture().join().one().getInt(0), n);
    }
  }

  private static void batches(CqlSession session) {
    session.execute("CREATE TABLE batched (a int, b int, v int, PRIMARY KEY (a, b))");
    PreparedStatement insert = session.prepare("INSERT INTO batched (a, b, v) VALUES (?, ?, ?)");
    for (BatchType kind : List.of(BatchType.LOGGED, BatchType.UNLOGGED)) {
      var batch = BatchStatement.builder(kind);
      for (int n = 0; n < 100; n++) batch.addStatement(insert.bind(n % 3, n, n));
      batch.addStatement(SimpleStatement.newInstance("DELETE FROM batched WHERE a = 0 AND b = ?", 3));
      session.execute(batch.build());
      equal(session.execute("SELECT count(*) FROM batched").one().getLong("count"), 99L);
      session.execute("TRUNCATE batched");
    }
  }

  private static void errors(CqlSession session, String keyspace) {
    session.execute("CREATE TABLE errors (id int PRIMARY KEY, v int)");
    raises(AlreadyExistsException.class, () -> session.execute("CREATE TABLE errors (id int PRIMARY KEY)"));
    raises(SyntaxError.class, () -> session.execute("SELEC * FROM errors"));
    raises(InvalidQueryException.class, () -> session.execute("SELECT nothing FROM errors"));
    raises(InvalidQueryException.class, () -> session.execute("USE nowhere"));
    session.execute("CREATE KEYSPACE " + keyspace + "_thrice WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}");
    session.execute("CREATE TABLE " + keyspace + "_thrice.t (id int PRIMARY KEY)");
    SimpleStatement quorum =
        SimpleStatement.newInstance("SELECT * FROM " + keyspace + "_thrice.t WHERE id = 1").setConsistencyLevel(DefaultConsistencyLevel.QUORUM);
    // The driver tries the next node, and there is none: it says what each one answered.
    AllNodesFailedException all = raises(AllNodesFailedException.class, () -> session.execute(quorum));
    UnavailableException error = (UnavailableException) all.getAllErrors().values().iterator().next().get(0);
    equal(error.getRequired() + " of " + error.getAlive(), "2 of 1");
  }

  private static void altered(CqlSession session) {
    session.execute("CREATE TABLE shifting (id int PRIMARY KEY, m text)");
    session.execute("INSERT INTO shifting (id, m) VALUES (1, 'm')");
    PreparedStatement select = session.prepare("SELECT * FROM shifting WHERE id = ?");
    equal(session.execute(select.bind(1)).one().getString("m"), "m");
    session.execute("ALTER TABLE shifting ADD a text");
    session.execute("UPDATE shifting SET a = 'a' WHERE id = 1");
    for (int round = 0; round < 3; round++) {
      Row row = session.execute(select.bind(1)).one();
      equal(row.getString("m"), "m");
      equal(row.getString("a"), "a");
    }
  }
}
