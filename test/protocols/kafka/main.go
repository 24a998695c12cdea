// A Kafka broker for tests, and a producer and a consumer that print their own count and durations of requests.
// Arguments: serve <address>, produce <address> <messages> <pause ms>, or consume <address> <seconds>.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const topic = "lab"

// truth counts every request that the library sent: metadata, produce and fetch alike.
type truth struct {
	mutex       sync.Mutex
	Requests    int       `json:"requests"`
	DurationsMs []float64 `json:"durationsMs"`
	Connections int       `json:"connections"`
	Unanswered  int       `json:"unanswered"`
}

func (t *truth) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e2e kgo.BrokerE2E) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if e2e.Err() != nil {
		if e2e.WriteErr == nil {
			t.Unanswered++
		}
		return
	}
	t.Requests++
	t.DurationsMs = append(t.DurationsMs, float64(e2e.DurationE2E())/float64(time.Millisecond))
}

func (t *truth) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if err == nil {
		t.Connections++
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func serve(address string) {
	_, port, err := net.SplitHostPort(address)
	must(err)
	number, err := strconv.Atoi(port)
	must(err)
	listen := func(network, _ string) (net.Listener, error) { return net.Listen(network, address) }
	_, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(number), kfake.ListenFn(listen), kfake.SeedTopics(1, topic))
	must(err)
	select {}
}

func produce(client *kgo.Client, messages int, pause time.Duration) {
	for range messages {
		record := &kgo.Record{Topic: topic, Value: []byte("a message")}
		must(client.ProduceSync(context.Background(), record).FirstErr())
		time.Sleep(pause)
	}
}

func consume(client *kgo.Client, duration time.Duration) {
	ended, cancel := context.WithTimeout(context.Background(), duration)
	defer cancel()
	for ended.Err() == nil {
		if err := client.PollFetches(ended).Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			panic(err)
		}
	}
}

func number(index int) int {
	value, err := strconv.Atoi(os.Args[index])
	must(err)
	return value
}

func main() {
	mode, address := os.Args[1], os.Args[2]
	if mode == "serve" {
		serve(address)
	}
	counted := &truth{}
	options := []kgo.Opt{kgo.SeedBrokers(address), kgo.WithHooks(counted), kgo.DisableIdempotentWrite()}
	if mode == "consume" {
		options = append(options, kgo.ConsumeTopics(topic), kgo.FetchMaxWait(500*time.Millisecond))
	}
	client, err := kgo.NewClient(options...)
	must(err)
	if mode == "consume" {
		consume(client, time.Duration(number(3))*time.Second)
	} else {
		produce(client, number(3), time.Duration(number(4))*time.Millisecond)
	}
	client.Close()
	counted.mutex.Lock()
	must(json.NewEncoder(os.Stdout).Encode(counted))
}
