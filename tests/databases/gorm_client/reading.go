package main

import (
	"golang.org/x/crypto/bcrypt"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// task names what is there to be read and used, and what is to be made.
type task struct {
	Username string `json:"username"`
	Password string `json:"password"`
	TokenKey string `json:"token_key"`
	Group    string `json:"group"`
	Model    string `json:"model"`
	Code     string `json:"code"`
	Spent    int    `json:"spent"`
	BaseURL  string `json:"base_url"`
}

// seen is what the database said before anything was written.
type seen struct {
	User        User         `json:"user"`
	Users       []User       `json:"users"`
	Token       Token        `json:"token"`
	Tokens      []Token      `json:"tokens"`
	Channels    []Channel    `json:"channels"`
	Candidates  []Ability    `json:"candidates"`
	Chosen      Ability      `json:"chosen"`
	Channel     Channel      `json:"channel"`
	Models      []string     `json:"models"`
	Options     []Option     `json:"options"`
	Redemptions []Redemption `json:"redemptions"`
	Logs        []Log        `json:"logs"`
	Consumed    int64        `json:"consumed"`
}

func column(name string) clause.Column { return clause.Column{Name: name} }

func equals(name string, value any) clause.Eq { return clause.Eq{Column: column(name), Value: value} }

func read(db *gorm.DB, asked task) (*seen, error) {
	found := &seen{}
	if err := db.Where("username = ?", asked.Username).First(&found.User).Error; err != nil {
		return nil, err
	}
	if err := bcrypt.CompareHashAndPassword([]byte(found.User.Password), []byte(asked.Password)); err != nil {
		return nil, err
	}
	if err := db.Where(equals("key", asked.TokenKey)).First(&found.Token).Error; err != nil {
		return nil, err
	}
	ofGroup := func(tx *gorm.DB) *gorm.DB {
		return tx.Where(equals("group", asked.Group)).Where("model = ? AND enabled = ?", asked.Model, true)
	}
	highest := ofGroup(db.Model(&Ability{})).Select("MAX(priority)")
	random := "RANDOM()"
	if db.Dialector.Name() == "mysql" {
		random = "RAND()"
	}
	for _, query := range []*gorm.DB{
		db.Order("id desc").Omit("password").Where("status <> ?", 3).Find(&found.Users),
		db.Order("id desc").Where("user_id = ?", found.User.Id).Find(&found.Tokens),
		db.Order("id desc").Omit("key").Find(&found.Channels),
		ofGroup(db).Order("priority DESC, channel_id").Find(&found.Candidates),
		ofGroup(db).Where("priority = (?)", highest).Order(random).First(&found.Chosen),
		db.Model(&Ability{}).Where(equals("group", asked.Group)).Where("enabled = ?", true).
			Distinct("model").Order("model").Pluck("model", &found.Models),
		db.Find(&found.Options),
		db.Order("id desc").Find(&found.Redemptions),
		db.Order("id desc").Limit(10).Find(&found.Logs),
		db.Model(&Log{}).Select("COALESCE(SUM(quota), 0)").Where("type = ?", 2).Scan(&found.Consumed),
	} {
		if query.Error != nil {
			return nil, query.Error
		}
	}
	return found, db.First(&found.Channel, "id = ?", found.Chosen.ChannelId).Error
}
