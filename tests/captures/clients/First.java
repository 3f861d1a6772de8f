import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.SyntaxError;
import java.net.InetSocketAddress;
import java.util.Set;

/** The first second of the Java driver 4; the same steps as python.py. */
public final class First {
  public static void main(String[] arguments) {
    InetSocketAddress node = new InetSocketAddress(System.getenv("NODE_HOST"), Integer.parseInt(System.getenv("NODE_PORT")));
    try (CqlSession session = CqlSession.builder().addContactPoint(node).withLocalDatacenter("datacenter1").build()) {
      session.execute("CREATE KEYSPACE web WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
      session.execute("CREATE TABLE web.visits (page text, day int, visitors set<text>, seconds double, PRIMARY KEY (page, day))");
      PreparedStatement insert = session.prepare("INSERT INTO web.visits (page, day, visitors, seconds) VALUES (?, ?, ?, ?)");
      session.execute(insert.bind("index", 1, Set.of("ann"), 1.5));
      BoundStatement unset = insert.boundStatementBuilder().setString("page", "index").setInt("day", 2).setDouble("seconds", 0.25).build();
      session.execute(unset);
      PreparedStatement select = session.prepare("SELECT * FROM web.visits WHERE page = ?");
      if (session.execute(select.bind("index")).all().size() != 2) throw new AssertionError("two rows were written");
      SimpleStatement named = SimpleStatement.builder("SELECT day, seconds FROM web.visits WHERE page = :page AND day >= :day")
          .addNamedValue("page", "index")
          .addNamedValue("day", 2)
          .build();
      if (session.execute(named).all().size() != 1) throw new AssertionError("one row was asked for");
      try {
        session.execute("SELECT * FROM web.nowhere");
        throw new AssertionError("there is no such table");
      } catch (InvalidQueryException expected) {
        // The text is in the golden file.
      }
      try {
        session.execute("SELEC * FROM web.visits");
        throw new AssertionError("that is no statement");
      } catch (SyntaxError expected) {
        // The text is in the golden file.
      }
    }
  }
}
