// The Go driver against a node: v5 as it finds it, v4 when told to, with and without compression; one line per check.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/apache/cassandra-gocql-driver/v2/lz4"
	"github.com/apache/cassandra-gocql-driver/v2/snappy"
)

var passed, failed int

func check(title string, body func() error) {
	begun := time.Now()
	if err := body(); err != nil {
		failed++
		fmt.Printf("FAIL  gocql: %s\n      %v\n", title, err)
		return
	}
	passed++
	fmt.Printf("ok    gocql: %s (%.1f s)\n", title, time.Since(begun).Seconds())
}

func equal(got, expected any) error {
	if !reflect.DeepEqual(got, expected) {
		return fmt.Errorf("got %#v, expected %#v", got, expected)
	}
	return nil
}

func open(version int, compressor gocql.Compressor, keyspace string) (*gocql.Session, error) {
	cluster := gocql.NewCluster(os.Getenv("NODE_HOST") + ":" + os.Getenv("NODE_PORT"))
	cluster.ProtoVersion = version
	cluster.Compressor = compressor
	cluster.Keyspace = keyspace
	cluster.Consistency = gocql.LocalQuorum
	cluster.Timeout = 20 * time.Second
	return cluster.CreateSession()
}

func main() {
	for _, each := range []struct {
		name       string
		version    int
		compressor gocql.Compressor
	}{
		{"default", 0, nil},
		{"v5_lz4", 5, lz4.LZ4Compressor{}},
		{"v4", 4, nil},
		{"v4_lz4", 4, lz4.LZ4Compressor{}},
		{"v4_snappy", 4, snappy.SnappyCompressor{}},
	} {
		keyspace := "gocql_" + each.name
		session, err := prepare(each.version, each.compressor, keyspace)
		if err != nil {
			check(each.name+": session", func() error { return err })
			continue
		}
		check(each.name+": schema metadata", func() error { return metadata(session, keyspace) })
		check(each.name+": types", func() error { return types(session) })
		check(each.name+": pages and many requests at once", func() error { return pages(session) })
		check(each.name+": batches, null and unset", func() error { return batches(session) })
		check(each.name+": errors", func() error { return refusals(session) })
		session.Close()
	}
	fmt.Printf("gocql: %d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

func prepare(version int, compressor gocql.Compressor, keyspace string) (*gocql.Session, error) {
	first, err := open(version, compressor, "")
	if err != nil {
		return nil, err
	}
	defer first.Close()
	text := "CREATE KEYSPACE " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
	if err := first.Query(text).Exec(); err != nil {
		return nil, err
	}
	return open(version, compressor, keyspace)
}

func metadata(session *gocql.Session, keyspace string) error {
	for _, text := range []string{
		"CREATE TYPE pair (a int, b text)",
		"CREATE TABLE seen (a int, b text, c timestamp, d frozen<pair>, e text STATIC, PRIMARY KEY ((a, b), c)) WITH CLUSTERING ORDER BY (c DESC)",
	} {
		if err := session.Query(text).Exec(); err != nil {
			return err
		}
	}
	if err := session.AwaitSchemaAgreement(context.Background()); err != nil {
		return err
	}
	// The driver hears of the change by an event, and waits a second for more before it reads the schema.
	var table *gocql.TableMetadata
	for tries := 0; table == nil && tries < 100; tries++ {
		seen, err := session.KeyspaceMetadata(keyspace)
		if err != nil {
			return err
		}
		if table = seen.Tables["seen"]; table == nil {
			time.Sleep(100 * time.Millisecond)
		}
	}
	if table == nil {
		return errors.New("the table is not in the metadata")
	}
	if err := equal(len(table.PartitionKey), 2); err != nil {
		return err
	}
	return equal(table.ClusteringColumns[0].Name, "c")
}

func types(session *gocql.Session) error {
	text := "CREATE TABLE everything (id int PRIMARY KEY, a text, b bigint, c blob, d boolean, e double, f varint, g timestamp, " +
		"h uuid, i list<int>, j map<text, int>, k inet, l smallint, m duration)"
	if err := session.Query(text).Exec(); err != nil {
		return err
	}
	id, at := gocql.TimeUUID(), time.UnixMilli(-1).UTC()
	varint := new(big.Int).Lsh(big.NewInt(-1), 100)
	span := gocql.Duration{Months: 1, Days: 2, Nanoseconds: 3}
	insert := "INSERT INTO everything (id, a, b, c, d, e, f, g, h, i, j, k, l, m) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	values := []any{1, "日本", int64(-1 << 63), []byte{0, 255}, true, -0.5, varint, at, id, []int{3, 1}, map[string]int{"k": 1}, "::1", int16(-1), span}
	if err := session.Query(insert, values...).Exec(); err != nil {
		return err
	}
	var (
		a, k  string
		b     int64
		c     []byte
		d     bool
		e     float64
		f     *big.Int
		g     time.Time
		h     gocql.UUID
		i     []int
		j     map[string]int
		l     int16
		m     gocql.Duration
		query = "SELECT a, b, c, d, e, f, g, h, i, j, k, l, m FROM everything WHERE id = ?"
	)
	if err := session.Query(query, 1).Scan(&a, &b, &c, &d, &e, &f, &g, &h, &i, &j, &k, &l, &m); err != nil {
		return err
	}
	return equal([]any{1, a, b, c, d, e, f, g.UTC(), h, i, j, k, l, m}, values)
}

func pages(session *gocql.Session) error {
	if err := session.Query("CREATE TABLE pages (p int, c int, PRIMARY KEY (p, c))").Exec(); err != nil {
		return err
	}
	const rows = 2000
	var wait sync.WaitGroup
	errs := make(chan error, rows)
	for worker := 0; worker < 20; worker++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for c := worker; c < rows; c += 20 {
				if err := session.Query("INSERT INTO pages (p, c) VALUES (?, ?)", c%3, c).Exec(); err != nil {
					errs <- err
				}
			}
		}()
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		return err
	}
	seen := map[int]bool{}
	iter := session.Query("SELECT c FROM pages").PageSize(33).Iter()
	for c := 0; iter.Scan(&c); {
		seen[c] = true
	}
	if err := iter.Close(); err != nil {
		return err
	}
	return equal(len(seen), rows)
}

func batches(session *gocql.Session) error {
	if err := session.Query("CREATE TABLE batched (a int, b int, v text, w text, PRIMARY KEY (a, b))").Exec(); err != nil {
		return err
	}
	for _, kind := range []gocql.BatchType{gocql.LoggedBatch, gocql.UnloggedBatch} {
		batch := session.Batch(kind)
		for n := 0; n < 50; n++ {
			batch.Query("INSERT INTO batched (a, b, v, w) VALUES (?, ?, ?, ?)", n%2, n, "v", gocql.UnsetValue)
		}
		if err := batch.Exec(); err != nil {
			return err
		}
	}
	var count int
	if err := session.Query("SELECT count(*) FROM batched").Scan(&count); err != nil {
		return err
	}
	if err := equal(count, 50); err != nil {
		return err
	}
	var v, w *string
	if err := session.Query("SELECT v, w FROM batched WHERE a = 1 AND b = 3").Scan(&v, &w); err != nil {
		return err
	}
	return equal([]any{*v, w == nil}, []any{"v", true})
}

func refusals(session *gocql.Session) error {
	for text, part := range map[string]string{
		"SELEC 1":                     "line 1:0",
		"SELECT nothing FROM batched": "Undefined column name nothing",
		"CREATE TABLE batched (id int PRIMARY KEY)": "already exist",
	} {
		err := session.Query(text).Exec()
		if err == nil || !strings.Contains(err.Error(), part) {
			return fmt.Errorf("%s: got %v, expected %q", text, err, part)
		}
	}
	return nil
}
