// The first second of the Node.js driver; the same steps as python.py.
const cassandra = require('cassandra-driver');

async function fails(client, text, code) {
  try {
    await client.execute(text);
  } catch (error) {
    if (error.code === code) return;
    throw error;
  }
  throw new Error(`no error: ${text}`);
}

async function main() {
  const client = new cassandra.Client({
    contactPoints: [`${process.env.NODE_HOST}:${process.env.NODE_PORT}`],
    localDataCenter: 'datacenter1',
  });
  await client.connect();
  await client.execute("CREATE KEYSPACE web WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  await client.execute('CREATE TABLE web.visits (page text, day int, visitors set<text>, seconds double, PRIMARY KEY (page, day))');
  const insert = 'INSERT INTO web.visits (page, day, visitors, seconds) VALUES (?, ?, ?, ?)';
  await client.execute(insert, ['index', 1, ['ann', 'bob'], 1.5], { prepare: true });
  await client.execute(insert, ['index', 2, undefined, 0.25], { prepare: true });
  const result = await client.execute('SELECT * FROM web.visits WHERE page = ?', ['index'], { prepare: true });
  if (result.rowLength !== 2) throw new Error('two rows were written');
  const codes = cassandra.types.responseErrorCodes;
  await fails(client, 'SELECT * FROM web.nowhere', codes.invalid);
  await fails(client, 'SELEC * FROM web.visits', codes.syntaxError);
  await client.shutdown();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
