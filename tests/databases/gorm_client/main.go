// Command gorm_client works on One API's database with One API's ORM, in the kinds of statements One API makes.
//
// It is started with One API's variables (SQL_DSN, or SQLITE_PATH). "start" only migrates; "work" also reads, and then
// writes what standard input asks for. Standard output gets what was changed of the schema, and what was read.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"gorm.io/gorm/logger"
)

type report struct {
	Changes []string `json:"changes"`
	Seen    *seen    `json:"seen,omitempty"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(command string) error {
	recorder := &changeRecorder{Interface: logger.Discard, changes: []string{}}
	db, err := openDatabase(recorder)
	if err != nil {
		return err
	}
	if err := migrate(db); err != nil {
		return err
	}
	done := report{Changes: recorder.changes}
	if command == "work" {
		var asked task
		if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
			return err
		}
		if done.Seen, err = read(db, asked); err != nil {
			return err
		}
		if err := write(db, asked, done.Seen); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(done)
}
