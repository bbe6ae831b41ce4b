import { type DeployEvent } from '../model/deploy-event.ts'

const step = (text: string): string => `-----> ${text}\n`
const heading = (text: string): string => `=====> ${text}\n`
const detail = (text: string): string => `       ${text}\n`
const warning = (text: string): string => ` !     ${text}\n`

/** One event in Heroku's style: `----->` a step, `=====>` the end, seven spaces a detail, ` !     ` a problem. */
export function renderEvent(event: DeployEvent): string {
  switch (event.type) {
    case 'stage:began':
      return ''
    case 'queue:waiting':
      return step(`Waiting for ${event.verb} by ${event.owner}, running since ${clock(event.since)}`)
    case 'source:received':
      return step(`Received ${event.commit.slice(0, 10)}, ${event.files} files`)
    case 'build:planned':
      return step(`Building with ${event.builder} (${event.why})`)
    case 'build:waiting':
      return step(`Waiting to build: ${event.running} build${event.running === 1 ? '' : 's'} at once`)
    case 'build:line':
    case 'release-task:line':
      return detail(event.text)
    case 'image:built':
      return step(`Built in ${event.seconds.toFixed(1)} s; process types: ${event.processTypes.join(', ')}`)
    case 'release:created':
      return step(`Releasing v${event.version}: ${event.description}`)
    case 'release-task:started':
      return step(`Running the ${event.task} task: ${event.command}`)
    case 'container:started':
      return step(`Started ${event.name}`)
    case 'check:passed':
      return detail(`${event.name} is healthy after ${event.seconds.toFixed(1)} s`)
    case 'container:failed':
      // That it failed, and why, is the error that ends the deploy.
      return [
        ...(event.lastLines.length > 0 ? [detail(`last output of ${event.name}:`)] : []),
        ...event.lastLines.map((line) => detail(`  ${line}`)),
        ...event.causes.map((cause) => warning(cause)),
      ].join('')
    case 'route:switched':
      return step(
        (event.backends === 0
          ? `No container serves ${event.hosts.join(', ')}`
          : `Traffic of ${event.hosts.join(', ')} goes to ${event.backends} container${event.backends === 1 ? '' : 's'}`) +
          (event.workers === 0 ? ' as soon as the router runs' : ''),
      )
    case 'container:retired':
      return detail(`retired ${event.name}`)
    case 'warning':
      return warning(event.text)
    case 'deployed':
      return heading(`v${event.version} is live`) + event.urls.map(detail).join('')
  }
}

const clock = (date: Date): string => date.toISOString().slice(11, 19) + ' UTC'
