// The first second of gocql; the same steps as python.py.
package main

import (
	"log"
	"os"
	"strconv"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

func main() {
	cluster := gocql.NewCluster(os.Getenv("NODE_HOST"))
	port, err := strconv.Atoi(os.Getenv("NODE_PORT"))
	check(err)
	cluster.Port = port
	session, err := cluster.CreateSession()
	check(err)
	defer session.Close()
	check(session.Query("CREATE KEYSPACE web WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}").Exec())
	check(session.Query("CREATE TABLE web.visits (page text, day int, visitors set<text>, seconds double, PRIMARY KEY (page, day))").Exec())
	insert := "INSERT INTO web.visits (page, day, visitors, seconds) VALUES (?, ?, ?, ?)"
	check(session.Query(insert, "index", 1, []string{"ann", "bob"}, 1.5).Exec())
	check(session.Query(insert, "index", 2, gocql.UnsetValue, 0.25).Exec())
	rows, err := session.Query("SELECT * FROM web.visits WHERE page = ?", "index").Iter().SliceMap()
	check(err)
	if len(rows) != 2 {
		log.Fatal("two rows were written")
	}
	for _, text := range []string{"SELECT * FROM web.nowhere", "SELEC * FROM web.visits"} {
		if session.Query(text).Exec() == nil {
			log.Fatalf("no error: %s", text)
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
