import { mkdirSync, writeFileSync } from 'node:fs'

mkdirSync('dist/assets', { recursive: true })
writeFileSync('dist/assets/app-4f9d2c81.js', `document.title = 'static-spa'\n`)
writeFileSync('dist/index.html', '<!doctype html><h1>Hello from static-spa</h1><script src="/assets/app-4f9d2c81.js"></script>\n')
console.log('built dist')
