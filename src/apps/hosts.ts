import { type App } from '../model/app.ts'

/** Every host that the app answers on, its own name first. */
export function hostsOf(app: Pick<App, 'name' | 'domains'>, baseDomain: string): string[] {
  return [`${app.name}.${baseDomain}`, ...app.domains]
}

/** What people click: the port is named where it is not the one of http. */
export function urlsOf(
  app: Pick<App, 'name' | 'domains'>,
  instance: { domain: string; http: { port: number } },
): string[] {
  const port = instance.http.port === 80 ? '' : `:${instance.http.port}`
  return hostsOf(app, instance.domain)
    .filter((host) => !host.startsWith('*'))
    .map((host) => `http://${host}${port}`)
}
