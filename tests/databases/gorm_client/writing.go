package main

import (
	"errors"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// write is a day of One API: calls that are paid, a channel's life, a code redeemed, somebody new.
func write(db *gorm.DB, asked task, found *seen) error {
	for _, part := range []func() error{
		func() error { return pay(db, found, asked) },
		func() error { return changeChannels(db, asked) },
		func() error { return redeem(db, asked.Code, found.User.Id) },
		func() error { return register(db, found.User) },
		func() error { return saveOption(db, Option{Key: "Footer", Value: "gorm"}) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// pay counts one relayed call at its user, token and channel, and logs it.
func pay(db *gorm.DB, found *seen, asked task) error {
	consumed := Log{
		UserId: found.User.Id, CreatedAt: time.Now().Unix(), Type: 2, Content: "by gorm", Username: asked.Username,
		TokenName: found.Token.Name, ModelName: asked.Model, Quota: asked.Spent, PromptTokens: 3,
		CompletionTokens: 4, ChannelId: found.Chosen.ChannelId, RequestId: "2026010112000012345678",
	}
	for _, done := range []*gorm.DB{
		db.Create(&consumed),
		db.Model(&User{}).Where("id = ?", found.User.Id).Update("quota", gorm.Expr("quota - ?", asked.Spent)),
		db.Model(&User{}).Where("id = ?", found.User.Id).Updates(map[string]any{
			"used_quota":    gorm.Expr("used_quota + ?", asked.Spent),
			"request_count": gorm.Expr("request_count + ?", 1),
		}),
		db.Model(&Token{}).Where("id = ?", found.Token.Id).Updates(map[string]any{
			"remain_quota":  gorm.Expr("remain_quota - ?", asked.Spent),
			"used_quota":    gorm.Expr("used_quota + ?", asked.Spent),
			"accessed_time": time.Now().Unix(),
		}),
		db.Model(&Channel{}).Where("id = ?", found.Chosen.ChannelId).
			Update("used_quota", gorm.Expr("used_quota + ?", asked.Spent)),
	} {
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected != 1 {
			return errors.New("paying did not meet one row")
		}
	}
	return nil
}

func abilitiesOf(channel Channel) []Ability {
	var made []Ability
	for _, model := range strings.Split(channel.Models, ",") {
		for _, group := range strings.Split(channel.Group, ",") {
			made = append(made, Ability{group, model, channel.Id, channel.Status == 1, channel.Priority})
		}
	}
	return made
}

func replaceAbilities(db *gorm.DB, channel Channel) error {
	if err := db.Where("channel_id = ?", channel.Id).Delete(&Ability{}).Error; err != nil {
		return err
	}
	made := abilitiesOf(channel)
	return db.Create(&made).Error
}

// changeChannels makes three: one is edited and stays, one is switched off, one is deleted.
func changeChannels(db *gorm.DB, asked task) error {
	made := []Channel{}
	for _, name := range []string{"gorm stays", "gorm off", "gorm gone"} {
		made = append(made, Channel{
			Type: 1, Key: "sk-gorm", Name: name, CreatedTime: time.Now().Unix(), BaseURL: &asked.BaseURL,
			Models: "gorm-model", Group: "default", Config: "{}",
		})
	}
	if err := db.Create(&made).Error; err != nil {
		return err
	}
	for _, channel := range made {
		if err := replaceAbilities(db, channel); err != nil {
			return err
		}
	}
	stays, off, gone := made[0], made[1], made[2]

	// A zero behind a pointer is written, an empty string is not.
	weight, priority := uint(0), int64(7)
	edit := Channel{Id: stays.Id, Models: "gorm-model,gorm-other", Weight: &weight, Priority: &priority}
	if err := db.Model(&edit).Updates(edit).Error; err != nil {
		return err
	}
	if err := db.First(&stays, "id = ?", stays.Id).Error; err != nil {
		return err
	}
	if err := replaceAbilities(db, stays); err != nil {
		return err
	}

	if err := db.Model(&Channel{}).Where("id = ?", off.Id).Update("status", 3).Error; err != nil {
		return err
	}
	disabled := db.Model(&Ability{}).Where("channel_id = ?", off.Id).Select("enabled").Update("enabled", false)
	if disabled.Error != nil {
		return disabled.Error
	}

	if err := db.Delete(&gone).Error; err != nil {
		return err
	}
	return db.Where("channel_id = ?", gone.Id).Delete(&Ability{}).Error
}

func redeem(db *gorm.DB, code string, userId int) error {
	return db.Transaction(func(tx *gorm.DB) error {
		var redemption Redemption
		locking := tx.Clauses(clause.Locking{Strength: "UPDATE"})
		if err := locking.Where(equals("key", code)).First(&redemption).Error; err != nil {
			return err
		}
		if redemption.Status != 1 {
			return errors.New("the code has been used")
		}
		grown := gorm.Expr("quota + ?", redemption.Quota)
		if err := tx.Model(&User{}).Where("id = ?", userId).Update("quota", grown).Error; err != nil {
			return err
		}
		redemption.RedeemedTime, redemption.Status = time.Now().Unix(), 3
		return tx.Save(&redemption).Error
	})
}

// register leaves to the database what has a default there.
func register(db *gorm.DB, inviter User) error {
	hash, err := bcrypt.GenerateFromPassword([]byte("gorm-password"), bcrypt.DefaultCost)
	if err != nil {
		return err
	}
	person := User{
		Username: "gorm_person", Password: string(hash), DisplayName: "高木", Quota: 500_000,
		AccessToken: strings.Repeat("0a", 16), AffCode: "gorm", InviterId: inviter.Id,
	}
	if err := db.Create(&person).Error; err != nil {
		return err
	}
	token := Token{
		UserId: person.Id, Key: strings.Repeat("gormKey1", 6), Name: "default", CreatedTime: time.Now().Unix(),
		AccessedTime: time.Now().Unix(), RemainQuota: 0, UnlimitedQuota: true,
	}
	if err := db.Create(&token).Error; err != nil {
		return err
	}
	if person.Role != 1 || person.Status != 1 || person.Group != "default" || token.ExpiredTime != -1 {
		return errors.New("the database's defaults did not come back")
	}
	return nil
}

func saveOption(db *gorm.DB, option Option) error {
	stored := Option{Key: option.Key}
	if err := db.FirstOrCreate(&stored, Option{Key: option.Key}).Error; err != nil {
		return err
	}
	stored.Value = option.Value
	return db.Save(&stored).Error
}
