# ruff: noqa: E501  (texts of people and programs, as wide as they are)
"""The rest of the invented company's code: the sender of messages (Go), the machines (Terraform), the handbook."""

from __future__ import annotations

from her_models.demo.projects import CLAUDE_COMMON
from her_models.demo.stories import Fix

NOTIFY_FILES = {
    "CLAUDE.md": "# notify\n\nGo service that sends mails and text messages for all shops. Two replicas, one Postgres queue.\n"
    + CLAUDE_COMMON,
    "queue/queue.go": """// Package queue takes messages out of Postgres, one worker per message.
package queue

import (
	"context"
	"database/sql"
	"time"
)

type Message struct {
	ID       int64
	Channel  string
	To       string
	Template string
	Attempts int
	NotAfter time.Time
}

type Queue struct {
	db    *sql.DB
	lease time.Duration
}

func New(db *sql.DB, lease time.Duration) *Queue { return &Queue{db: db, lease: lease} }

// Take leases the oldest message that is due. It returns nil when there is none.
func (q *Queue) Take(ctx context.Context) (*Message, error) {
	row := q.db.QueryRowContext(ctx, `
		update messages set leased_until = now() + $1
		where id = (
			select id from messages
			where sent_at is null and (leased_until is null or leased_until < now())
			order by id limit 1
		)
		returning id, channel, recipient, template, attempts, not_after`, q.lease)
	var m Message
	err := row.Scan(&m.ID, &m.Channel, &m.To, &m.Template, &m.Attempts, &m.NotAfter)
	if err == sql.ErrNoRows {
		return nil, nil
	}
	return &m, err
}

func (q *Queue) Done(ctx context.Context, id int64) error {
	_, err := q.db.ExecContext(ctx, "update messages set sent_at = now() where id = $1", id)
	return err
}

// Retry gives a message back, to be tried again after a pause that doubles.
func (q *Queue) Retry(ctx context.Context, m *Message) error {
	pause := time.Second << m.Attempts
	_, err := q.db.ExecContext(ctx,
		"update messages set attempts = attempts + 1, leased_until = now() + $1 where id = $2", pause, m.ID)
	return err
}
""",
    "queue/queue_test.go": """package queue

import (
	"context"
	"testing"
	"time"
)

func TestTakeReturnsNilWhenEmpty(t *testing.T) {
	q := New(testDB(t), time.Minute)
	m, err := q.Take(context.Background())
	if err != nil || m != nil {
		t.Fatalf("got %v, %v", m, err)
	}
}

func TestDoneMessagesAreNotTakenAgain(t *testing.T) {
	q := New(testDB(t), time.Minute)
	put(t, q, "mail")
	m, _ := q.Take(context.Background())
	_ = q.Done(context.Background(), m.ID)
	if again, _ := q.Take(context.Background()); again != nil {
		t.Fatalf("took %d twice", again.ID)
	}
}
""",
    "send/sms.go": """package send

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// SMS sends text messages through the provider's HTTP interface.
type SMS struct {
	URL    string
	Key    string
	From   string
	Client *http.Client
}

type smsRequest struct {
	From string `json:"from"`
	To   string `json:"to"`
	Text string `json:"text"`
}

func (s *SMS) Send(to, text string) error {
	body, _ := json.Marshal(smsRequest{From: s.From, To: normalise(to), Text: text})
	req, err := http.NewRequest("POST", s.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	res, err := s.Client.Do(req)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("sms provider said %s", res.Status)
	}
	return nil
}

// normalise makes +49171… of 0171… and of 0049171….
func normalise(number string) string {
	number = strings.NewReplacer(" ", "", "-", "", "/", "", "(0)", "").Replace(number)
	if strings.HasPrefix(number, "00") {
		return "+" + number[2:]
	}
	if strings.HasPrefix(number, "0") {
		return "+49" + number[1:]
	}
	return number
}
""",
    "send/sms_test.go": """package send

import "testing"

func TestNormalise(t *testing.T) {
	for in, want := range map[string]string{
		"0171 234567":      "+49171234567",
		"0049 171 234567":  "+49171234567",
		"+31 6 12345678":   "+31612345678",
		"+49 (0)171 23456": "+4917123456",
	} {
		if got := normalise(in); got != want {
			t.Errorf("normalise(%q) = %q, want %q", in, got, want)
		}
	}
}
""",
    "cmd/notify/main.go": """package main

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"larkfield.dev/notify/queue"
	"larkfield.dev/notify/send"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		slog.Error("cannot open database", "error", err)
		os.Exit(1)
	}
	q := queue.New(db, 2*time.Minute)
	sms := &send.SMS{URL: os.Getenv("SMS_URL"), Key: os.Getenv("SMS_KEY"), From: "Spoke", Client: http.DefaultClient}
	for ctx.Err() == nil {
		m, err := q.Take(ctx)
		if err != nil || m == nil {
			time.Sleep(500 * time.Millisecond)
			continue
		}
		if err := sms.Send(m.To, m.Template); err != nil {
			slog.Warn("not sent", "id", m.ID, "error", err)
			_ = q.Retry(ctx, m)
			continue
		}
		_ = q.Done(ctx, m.ID)
	}
}
""",
    "go.mod": "module larkfield.dev/notify\n\ngo 1.25\n\nrequire github.com/jackc/pgx/v5 v5.7.6\n",
}

NOTIFY = (
    Fix(
        prompt="Some customers got the same text message twice last night, both replicas logged it. How can that be with the lease?",
        path="queue/queue.go",
        search=r"leased_until",
        think="The inner select does not lock. Two workers can select the same id before either update commits; in READ COMMITTED the second "
        "update waits, then re-evaluates the where clause `id = (subquery)`, whose value was computed already, so it updates the "
        "same row again. `for update skip locked` in the subquery is the standard remedy.",
        found="The inner `select` takes no lock, so both replicas can pick the same row. `for update skip locked` prevents it.",
        old="			order by id limit 1\n",
        new="			order by id limit 1\n			for update skip locked\n",
        test_path="queue/queue_test.go",
        test_old="func TestDoneMessagesAreNotTakenAgain(t *testing.T) {",
        test_new="""func TestTwoWorkersNeverTakeTheSameMessage(t *testing.T) {
	q := New(testDB(t), time.Minute)
	for range 200 {
		put(t, q, "sms")
	}
	if twice := takeFrom(t, q, 8); len(twice) > 0 {
		t.Fatalf("taken twice: %v", twice)
	}
}

func TestDoneMessagesAreNotTakenAgain(t *testing.T) {""",
        failure="queue_test.go:31: taken twice: [17 18 44 102 103]",
        closing="The subquery now locks the row it picks and skips locked ones, so two replicas cannot lease the same message. The new test "
        "found five duplicates in 200 before and none in ten runs after.",
        also=("cmd/notify/main.go",),
    ),
    Fix(
        prompt="Messages that cannot be delivered are retried for ever, the log is full of one wrong number. Give up at some point.",
        path="queue/queue.go",
        search=r"Attempts|NotAfter",
        think="NotAfter exists and is never checked. time.Second << 40 overflows too. Give up when NotAfter is past or after ten attempts; cap the pause at an hour.",
        found="`NotAfter` is read and never used, and the pause doubles without end. I cap both.",
        old="	pause := time.Second << m.Attempts\n",
        new='	if m.Attempts >= 10 || time.Now().After(m.NotAfter) {\n		_, err := q.db.ExecContext(ctx, "update messages set failed_at = now() where id = $1", m.ID)\n		return err\n	}\n	pause := min(time.Second<<m.Attempts, time.Hour)\n',
        test_path="queue/queue_test.go",
        test_old="func TestTakeReturnsNilWhenEmpty(t *testing.T) {",
        test_new="""func TestGivesUpAfterTenAttempts(t *testing.T) {
	q := New(testDB(t), time.Minute)
	put(t, q, "sms")
	if n := retryUntilGone(t, q); n != 10 {
		t.Fatalf("tried %d times", n)
	}
}

func TestTakeReturnsNilWhenEmpty(t *testing.T) {""",
        failure="queue_test.go:16: tried 64 times",
        closing="A message is marked failed after ten attempts or when it is no longer wanted, and the pause never exceeds an hour.",
        also=("cmd/notify/main.go", "send/sms.go"),
    ),
)

INFRA_FILES = {
    "CLAUDE.md": "# infra\n\nTerraform for two regions, GitHub Actions for everything that deploys. State is in a bucket; never apply from a laptop.\n"
    + CLAUDE_COMMON,
    "modules/service/main.tf": """variable "name" { type = string }
variable "image" { type = string }
variable "replicas" { default = 2 }
variable "memory_mb" { default = 512 }
variable "environment" { type = map(string) }

resource "kubernetes_deployment" "this" {
  metadata { name = var.name }
  spec {
    replicas = var.replicas
    selector { match_labels = { app = var.name } }
    template {
      metadata { labels = { app = var.name } }
      spec {
        container {
          name  = var.name
          image = var.image
          resources {
            limits   = { memory = "${var.memory_mb}Mi" }
            requests = { memory = "${var.memory_mb}Mi", cpu = "100m" }
          }
          dynamic "env" {
            for_each = var.environment
            content {
              name  = env.key
              value = env.value
            }
          }
          liveness_probe {
            http_get {
              path = "/healthz"
              port = 8080
            }
            initial_delay_seconds = 3
            period_seconds        = 5
          }
        }
      }
    }
  }
}

resource "kubernetes_service" "this" {
  metadata { name = var.name }
  spec {
    selector = { app = var.name }
    port {
      port        = 80
      target_port = 8080
    }
  }
}
""",
    "envs/production/main.tf": "\n".join(
        f'''module "{name}" {{
  source      = "../../modules/service"
  name        = "{name}"
  image       = "registry.larkfield.dev/{name}:${{var.{name.replace("-", "_")}_tag}}"
  replicas    = {replicas}
  memory_mb   = {memory}
  environment = local.common
}}
'''
        for name, replicas, memory in (
            ("spoke-api", 4, 1024),
            ("spoke-web", 2, 128),
            ("notify", 2, 128),
            ("parts-importer", 1, 2048),
        )
    ),
    ".github/workflows/deploy.yml": """name: deploy
on:
  push:
    branches: [main]
concurrency: deploy-${{ github.ref }}
jobs:
  plan:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - uses: hashicorp/setup-terraform@v3
      - run: terraform -chdir=envs/production init -input=false
      - run: terraform -chdir=envs/production plan -input=false -out=plan
      - uses: actions/upload-artifact@v5
        with: { name: plan, path: envs/production/plan }
  apply:
    needs: plan
    environment: production
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - uses: actions/download-artifact@v6
        with: { name: plan, path: envs/production }
      - run: terraform -chdir=envs/production init -input=false
      - run: terraform -chdir=envs/production apply -input=false plan
""",
    "tests/service.tftest.hcl": """run "has_two_replicas" {
  command = plan
  variables {
    name        = "x"
    image       = "x:1"
    environment = {}
  }
  assert {
    condition     = kubernetes_deployment.this.spec[0].replicas == 2
    error_message = "two replicas by default"
  }
}
""",
}

INFRA = (
    Fix(
        prompt="spoke-api restarts about once per deploy with 'liveness probe failed'. It needs ~20 s to start since the migration check went in.",
        path="modules/service/main.tf",
        search=r"liveness_probe|initial_delay",
        think="Liveness kills it after 3 s + 3 failures * 5 s = 18 s. The right tool is a startup probe, so that the liveness probe can stay strict. "
        "startup: period 2, failure_threshold 30 gives 60 s.",
        found="The liveness probe gives up after 18 s. A startup probe covers slow starts and keeps liveness strict.",
        old="""          liveness_probe {
            http_get {
              path = "/healthz"
              port = 8080
            }
            initial_delay_seconds = 3
            period_seconds        = 5
          }""",
        new="""          startup_probe {
            http_get {
              path = "/healthz"
              port = 8080
            }
            period_seconds    = 2
            failure_threshold = 30
          }
          liveness_probe {
            http_get {
              path = "/healthz"
              port = 8080
            }
            period_seconds = 5
          }""",
        test_path="tests/service.tftest.hcl",
        test_old="""run "has_two_replicas" {""",
        test_new="""run "waits_a_minute_for_the_start" {
  command = plan
  assert {
    condition     = kubernetes_deployment.this.spec[0].template[0].spec[0].container[0].startup_probe[0].failure_threshold == 30
    error_message = "startup probe"
  }
}

run "has_two_replicas" {""",
        failure="Error: Test assertion failed: startup probe",
        closing="Services get up to a minute to start; after that the liveness probe is as strict as before. `terraform plan` shows four in-place updates and nothing else.",
        also=("envs/production/main.tf",),
    ),
    Fix(
        prompt="Two merges in a row and the second apply used the first one's plan. Look at the workflow please.",
        path=".github/workflows/deploy.yml",
        search=r"concurrency",
        think="concurrency group without cancel-in-progress queues workflows; but apply waits for the environment's approval, and the artifact is per run, so the plan "
        "is of its own run. The stale plan: run A planned, waited; run B planned against the state before A was applied. Then B's plan is stale. Terraform detects "
        "stale plans by serial... only if the state changed between: 'Saved plan is stale'. They say it applied. With the S3 backend without lock? I'd plan again in apply "
        "and compare.",
        found="Run B plans while run A waits for approval, so its plan is made against old state. The group has to cover plan and apply of one environment.",
        old="concurrency: deploy-${{ github.ref }}\n",
        new="concurrency:\n  group: deploy-production\n  cancel-in-progress: false\n",
        test_path="tests/service.tftest.hcl",
        test_old="""  command = plan
  variables {""",
        test_new="""  command = plan
  # Deploys run one at a time; see .github/workflows/deploy.yml.
  variables {""",
        failure="Error: Saved plan is stale",
        closing="Deploys to production run strictly one after the other now. The group was per branch ref, which is the same for both merges, but a run that waits for "
        "approval is not in progress; naming the environment and forbidding cancellation covers that.",
        also=("envs/production/main.tf", "modules/service/main.tf"),
    ),
)

HANDBOOK_FILES = {
    "CLAUDE.md": "# handbook\n\nHow shops use Spoke. Markdown, published by MkDocs. Plain words, one idea per sentence, screenshots only where words fail.\n",
    "docs/index.md": "# Spoke for workshops\n\nSpoke plans your stands, reminds your customers and writes your invoices.\n\n- [First steps](first-steps.md)\n- [The calendar](calendar.md)\n- [Invoices](invoices.md)\n- [Parts](parts.md)\n",
    "docs/first-steps.md": "# First steps\n\n1. Enter your opening hours under *Shop*.\n2. Add your mechanics and what they can do.\n3. Import your parts, or start without them.\n4. Make a booking. Drag it to move it.\n\n## Who sees what\n\nMechanics see the calendar and the bikes. Only owners see invoices and reports.\n",
    "docs/calendar.md": "# The calendar\n\nEach column is a day, each card a booking. The colour is the mechanic.\n\n## Moving a booking\n\nDrag the card. Spoke tells the customer only when you say so.\n\n## Public holidays\n\nClosed days are grey. Set them under *Shop → Holidays*.\n",
    "docs/invoices.md": "# Invoices\n\nAn invoice belongs to one booking. Numbers run per shop and year and have no gaps.\n\n## VAT\n\nSpoke knows the rates of six countries. Repairs are reduced in the Netherlands and Belgium.\n\n## Paid\n\nMark an invoice as paid by hand, or connect your card terminal.\n",
    "docs/parts.md": "# Parts\n\nYour suppliers' lists are read every night. Prices you changed yourself stay.\n\n## When a part is missing\n\nSearch by EAN. If it is not there, add it by hand; the next import finds it by its number.\n",
    "mkdocs.yml": "site_name: Spoke handbook\nnav:\n  - index.md\n  - first-steps.md\n  - calendar.md\n  - invoices.md\n  - parts.md\n",
}
