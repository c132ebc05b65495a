// The seven tables as One API v0.6.11 is documented to declare them: names, types, defaults and indexes.
// That these are the right ones is tested: from nothing they make the schema that was recorded.

package main

type Channel struct {
	Id                 int     `json:"id"`
	Type               int     `json:"type" gorm:"default:0"`
	Key                string  `json:"key" gorm:"type:text"`
	Status             int     `json:"status" gorm:"default:1"`
	Name               string  `json:"name" gorm:"index"`
	Weight             *uint   `json:"weight" gorm:"default:0"`
	CreatedTime        int64   `json:"created_time"`
	TestTime           int64   `json:"test_time"`
	ResponseTime       int     `json:"response_time"`
	BaseURL            *string `json:"base_url" gorm:"column:base_url;default:''"`
	Other              *string `json:"other"`
	Balance            float64 `json:"balance"`
	BalanceUpdatedTime int64   `json:"balance_updated_time"`
	Models             string  `json:"models"`
	Group              string  `json:"group" gorm:"type:varchar(32);default:'default'"`
	UsedQuota          int64   `json:"used_quota" gorm:"default:0"`
	ModelMapping       *string `json:"model_mapping" gorm:"type:varchar(1024);default:''"`
	Priority           *int64  `json:"priority" gorm:"default:0"`
	Config             string  `json:"config"`
	SystemPrompt       *string `json:"system_prompt" gorm:"type:text"`
}

type Token struct {
	Id             int     `json:"id"`
	UserId         int     `json:"user_id"`
	Key            string  `json:"key" gorm:"type:char(48);uniqueIndex"`
	Status         int     `json:"status" gorm:"default:1"`
	Name           string  `json:"name" gorm:"index"`
	CreatedTime    int64   `json:"created_time"`
	AccessedTime   int64   `json:"accessed_time"`
	ExpiredTime    int64   `json:"expired_time" gorm:"default:-1"`
	RemainQuota    int64   `json:"remain_quota" gorm:"default:0"`
	UnlimitedQuota bool    `json:"unlimited_quota" gorm:"default:false"`
	UsedQuota      int64   `json:"used_quota" gorm:"default:0"`
	Models         *string `json:"models" gorm:"type:text"`
	Subnet         *string `json:"subnet" gorm:"default:''"`
}

type User struct {
	Id           int    `json:"id"`
	Username     string `json:"username" gorm:"unique;index"`
	Password     string `json:"password" gorm:"not null"`
	DisplayName  string `json:"display_name" gorm:"index"`
	Role         int    `json:"role" gorm:"default:1"`
	Status       int    `json:"status" gorm:"default:1"`
	Email        string `json:"email" gorm:"index"`
	GitHubId     string `json:"github_id" gorm:"column:github_id;index:idx_users_git_hub_id"`
	WeChatId     string `json:"wechat_id" gorm:"column:wechat_id;index:idx_users_we_chat_id"`
	LarkId       string `json:"lark_id" gorm:"index"`
	OidcId       string `json:"oidc_id" gorm:"index"`
	AccessToken  string `json:"access_token" gorm:"type:char(32);uniqueIndex"`
	Quota        int64  `json:"quota" gorm:"default:0"`
	UsedQuota    int64  `json:"used_quota" gorm:"default:0"`
	RequestCount int    `json:"request_count" gorm:"default:0"`
	Group        string `json:"group" gorm:"type:varchar(32);default:'default'"`
	AffCode      string `json:"aff_code" gorm:"type:varchar(32);uniqueIndex"`
	InviterId    int    `json:"inviter_id" gorm:"index"`
}

type Option struct {
	Key   string `json:"key" gorm:"primaryKey"`
	Value string `json:"value"`
}

type Redemption struct {
	Id           int    `json:"id"`
	UserId       int    `json:"user_id"`
	Key          string `json:"key" gorm:"type:char(32);uniqueIndex"`
	Status       int    `json:"status" gorm:"default:1"`
	Name         string `json:"name" gorm:"index"`
	Quota        int64  `json:"quota" gorm:"default:100"`
	CreatedTime  int64  `json:"created_time"`
	RedeemedTime int64  `json:"redeemed_time"`
}

type Ability struct {
	Group     string `json:"group" gorm:"type:varchar(32);primaryKey"`
	Model     string `json:"model" gorm:"primaryKey"`
	ChannelId int    `json:"channel_id" gorm:"primaryKey;autoIncrement:false;index"`
	Enabled   bool   `json:"enabled"`
	Priority  *int64 `json:"priority" gorm:"default:0;index"`
}

type Log struct {
	Id                int    `json:"id"`
	UserId            int    `json:"user_id" gorm:"index"`
	CreatedAt         int64  `json:"created_at" gorm:"index:idx_created_at_type,priority:1"`
	Type              int    `json:"type" gorm:"index:idx_created_at_type,priority:2"`
	Content           string `json:"content"`
	Username          string `json:"username" gorm:"default:'';index:index_username_model_name,priority:2"`
	TokenName         string `json:"token_name" gorm:"default:'';index"`
	ModelName         string `json:"model_name" gorm:"default:'';index;index:index_username_model_name,priority:1"`
	Quota             int    `json:"quota" gorm:"default:0"`
	PromptTokens      int    `json:"prompt_tokens" gorm:"default:0"`
	CompletionTokens  int    `json:"completion_tokens" gorm:"default:0"`
	ChannelId         int    `json:"channel" gorm:"column:channel_id;index"`
	RequestId         string `json:"request_id" gorm:"default:''"`
	ElapsedTime       int64  `json:"elapsed_time" gorm:"default:0"`
	IsStream          bool   `json:"is_stream" gorm:"default:false"`
	SystemPromptReset bool   `json:"system_prompt_reset" gorm:"default:false"`
}
