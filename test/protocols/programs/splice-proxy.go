// Forwards connections with io.Copy, which moves the bytes by splice(). Arguments: listen address, upstream address.
package main

import (
	"io"
	"net"
	"os"
	"sync"
)

func forward(client net.Conn, address string) {
	defer client.Close()
	upstream, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer upstream.Close()
	var both sync.WaitGroup
	both.Add(2)
	pump := func(to, from net.Conn) {
		defer both.Done()
		io.Copy(to, from)
		to.(*net.TCPConn).CloseWrite()
	}
	go pump(upstream, client)
	go pump(client, upstream)
	both.Wait()
}

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go forward(client, os.Args[2])
	}
}
