package main

import (
	"context"
	"html/template"
	"log"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	page := template.Must(template.ParseFiles("templates/index.html"))
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		page.Execute(response, map[string]string{"Name": "go-plain", "Go": runtime.Version(), "Path": request.URL.Path})
	})
	server := &http.Server{Addr: ":" + os.Getenv("PORT")}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		deadline, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		server.Shutdown(deadline)
	}()
	log.Printf("listening on port %s", os.Getenv("PORT"))
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}
