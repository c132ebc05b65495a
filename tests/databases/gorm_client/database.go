package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// openDatabase finds it by the variables that One API is started with.
func openDatabase(recorder *changeRecorder) (*gorm.DB, error) {
	return gorm.Open(findDialect(), &gorm.Config{PrepareStmt: true, Logger: recorder})
}

func findDialect() gorm.Dialector {
	dsn := os.Getenv("SQL_DSN")
	switch {
	case strings.HasPrefix(dsn, "postgres://"):
		return postgres.New(postgres.Config{DSN: dsn, PreferSimpleProtocol: true})
	case dsn != "":
		return mysql.Open(dsn)
	}
	return sqlite.Open(os.Getenv("SQLITE_PATH") + "?_busy_timeout=3000")
}

// migrate does what One API does at each start, in its order; channels come twice.
func migrate(db *gorm.DB) error {
	if db.Dialector.Name() == "mysql" {
		db.Exec("DROP INDEX idx_channels_key ON channels") // An old index; it fails where that is gone.
	}
	for _, table := range []any{
		&Channel{}, &Token{}, &User{}, &Option{}, &Redemption{}, &Ability{}, &Log{}, &Channel{},
	} {
		if err := db.AutoMigrate(table); err != nil {
			return fmt.Errorf("%T: %w", table, err)
		}
	}
	return nil
}

var changesSchema = regexp.MustCompile(`(?i)^\s*(CREATE|ALTER|DROP|INSERT)\s`)

// changeRecorder keeps the statements that change a schema or, while one is migrated, copy rows.
type changeRecorder struct {
	logger.Interface
	changes []string
}

func (recorder *changeRecorder) Trace(
	_ context.Context, _ time.Time, statement func() (string, int64), err error,
) {
	sql, _ := statement()
	if changesSchema.MatchString(sql) && err == nil {
		recorder.changes = append(recorder.changes, sql)
	}
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		fmt.Fprintln(os.Stderr, err, "in", sql)
	}
}
