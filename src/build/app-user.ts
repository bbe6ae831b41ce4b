/**
 * The user and group id of every app, in the base and in each buildpack's Dockerfile. High, so that it is nobody's on
 * the host: 1000 would be its first person, who then could signal apps and read what they leave on a shared disk.
 */
export const appUser = 32_767
