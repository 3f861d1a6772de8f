// The Node.js driver (protocol v4) against a node: one line per check.
'use strict';

const assert = require('assert');
const cassandra = require('cassandra-driver');

const { types } = cassandra;
let passed = 0;
let failed = 0;

async function check(title, body) {
  const begun = Date.now();
  try {
    await body();
    passed += 1;
    console.log(`ok    node: ${title} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  node: ${title}\n      ${String(error.stack).split('\n').slice(0, 6).join('\n      ')}`);
  }
}

function open(keyspace) {
  return new cassandra.Client({
    contactPoints: [`${process.env.NODE_HOST}:${process.env.NODE_PORT}`],
    localDataCenter: 'datacenter1',
    keyspace,
  });
}

async function metadata(client) {
  await client.execute('CREATE TYPE pair (a int, b text)');
  await client.execute('CREATE TABLE seen (a int, b text, c timestamp, d frozen<pair>, PRIMARY KEY ((a, b), c)) WITH CLUSTERING ORDER BY (c DESC)');
  assert.strictEqual(client.hosts.length, 1);
  assert.strictEqual(client.hosts.values()[0].datacenter, 'datacenter1');
  assert.strictEqual(client.controlConnection.protocolVersion, 4);
  const table = await client.metadata.getTable('javascript', 'seen');
  assert.deepStrictEqual(table.partitionKeys.map((column) => column.name), ['a', 'b']);
  assert.deepStrictEqual(table.clusteringOrder, ['DESC']);
  const type = await client.metadata.getUdt('javascript', 'pair');
  assert.deepStrictEqual(type.fields.map((field) => field.name), ['a', 'b']);
}

async function everyType(client) {
  const columns = {
    a: ['ascii', 'ascii'],
    b: ['bigint', types.Long.fromString('-9223372036854775808')],
    c: ['blob', Buffer.from([0, 255])],
    d: ['boolean', true],
    e: ['date', types.LocalDate.fromString('1969-12-31')],
    f: ['decimal', types.BigDecimal.fromString('-1.50')],
    g: ['double', -0.5],
    h: ['duration', types.Duration.fromString('1mo2d3ns')],
    i: ['inet', types.InetAddress.fromString('::1')],
    j: ['smallint', -1],
    k: ['text', '日本'],
    l: ['time', types.LocalTime.fromString('23:59:59.999999999')],
    m: ['timestamp', new Date(-1)],
    n: ['timeuuid', types.TimeUuid.fromString('c232ab00-9414-11ec-b3c8-9f6bdeced846')],
    o: ['tinyint', -128],
    p: ['varint', types.Integer.fromString('-1267650600228229401496703205376')],
    q: ['list<int>', [3, 1]],
    r: ['map<text, int>', { k: 1 }],
    s: ['frozen<pair>', { a: 1, b: 'one' }],
    t: ['tuple<int, text>', new types.Tuple(1, 'one')],
  };
  const names = Object.keys(columns);
  await client.execute(`CREATE TABLE everything (id int PRIMARY KEY, ${names.map((name) => `${name} ${columns[name][0]}`).join(', ')})`);
  const values = [1, ...names.map((name) => columns[name][1])];
  await client.execute(`INSERT INTO everything (id, ${names.join(', ')}) VALUES (${values.map(() => '?').join(', ')})`, values, { prepare: true });
  const row = (await client.execute('SELECT * FROM everything WHERE id = ?', [1], { prepare: true })).first();
  for (const name of names) assert.strictEqual(JSON.stringify(row[name]), JSON.stringify(columns[name][1]), columns[name][0]);
}

async function pages(client) {
  await client.execute('CREATE TABLE pages (p int, c int, PRIMARY KEY (p, c))');
  const rows = Array.from({ length: 2000 }, (_, c) => [c % 3, c]);
  await cassandra.concurrent.executeConcurrent(client, 'INSERT INTO pages (p, c) VALUES (?, ?)', rows);
  const seen = new Set();
  for await (const row of client.stream('SELECT c FROM pages', [], { prepare: true, autoPage: true, fetchSize: 33 })) seen.add(row.c);
  assert.strictEqual(seen.size, rows.length);
  const first = await client.execute('SELECT c FROM pages WHERE p = 1', [], { prepare: true, fetchSize: 10 });
  const second = await client.execute('SELECT c FROM pages WHERE p = 1', [], { prepare: true, fetchSize: 10, pageState: first.pageState });
  assert.strictEqual(second.first().c, 31);
}

async function batches(client) {
  await client.execute('CREATE TABLE batched (a int, b int, v text, w text, PRIMARY KEY (a, b))');
  for (const logged of [true, false]) {
    const queries = Array.from({ length: 50 }, (_, b) => ({
      query: 'INSERT INTO batched (a, b, v, w) VALUES (?, ?, ?, ?)',
      params: [1, b, null, types.unset],
    }));
    await client.batch(queries, { prepare: true, logged });
  }
  const count = (await client.execute('SELECT count(*) FROM batched')).first()['count'];
  assert.strictEqual(count.toNumber(), 50);
}

async function errors(client) {
  const cases = [
    ['SELEC 1', types.responseErrorCodes.syntaxError],
    ['SELECT nothing FROM batched', types.responseErrorCodes.invalid],
    ['CREATE TABLE batched (id int PRIMARY KEY)', types.responseErrorCodes.alreadyExists],
  ];
  for (const [text, code] of cases) {
    await assert.rejects(client.execute(text), (error) => error.code === code, text);
  }
}

async function main() {
  const first = open();
  await first.execute("CREATE KEYSPACE javascript WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  await first.shutdown();
  const client = open('javascript');
  await client.connect();
  await check('cluster and schema', () => metadata(client));
  await check('every type', () => everyType(client));
  await check('pages and many requests at once', () => pages(client));
  await check('batches, null and unset', () => batches(client));
  await check('errors', () => errors(client));
  await client.shutdown();
}

main()
  .catch((error) => check('session', () => { throw error; }))
  .finally(() => {
    console.log(`node: ${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
  });
