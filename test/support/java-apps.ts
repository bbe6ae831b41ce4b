import { withDebian } from './in-container.ts'
import { type Files } from './laptop.ts'

/** A server of Java 17 that says which Java it runs on, with a package that is no part of Java. */
const javaServer: Files = {
  'src/main/java/shop/Main.java': `package shop;

import com.google.gson.Gson;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.Map;

public class Main {
  public static void main(String[] args) throws Exception {
    var server = HttpServer.create(new InetSocketAddress(Integer.parseInt(System.getenv("PORT"))), 0);
    server.createContext("/", exchange -> {
      var body = new Gson().toJson(Map.of("java", Runtime.version().feature())).getBytes();
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
  }
}
`,
}

const vendored =
  '<id>central</id><url>file://${project.basedir}/repository</url>' +
  '<releases><checksumPolicy>ignore</checksumPolicy></releases>'

/** An app that Maven makes one jar of, for this Java; it needs `mavenRepository`. */
export const mavenApp = (java: number): Files => ({
  ...javaServer,
  'pom.xml': `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>shop</groupId>
  <artifactId>shop</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.release>${java}</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <repositories><repository>${vendored}</repository></repositories>
  <pluginRepositories><pluginRepository>${vendored}</pluginRepository></pluginRepositories>
  <dependencies>
    <dependency><groupId>com.google.code.gson</groupId><artifactId>gson</artifactId><version>debian</version></dependency>
  </dependencies>
  <build><plugins><plugin>
    <artifactId>maven-shade-plugin</artifactId>
    <version>3.6.0</version>
    <executions><execution>
      <phase>package</phase>
      <goals><goal>shade</goal></goals>
      <configuration><transformers>
        <transformer implementation="org.apache.maven.plugins.shade.resource.ManifestResourceTransformer">
          <mainClass>shop.Main</mainClass>
        </transformer>
      </transformers></configuration>
    </execution></executions>
  </plugin></plugins></build>
</project>
`,
})

/** Puts what Maven needs for it into the clone. */
export const mavenRepository = withDebian(
  'maven libgoogle-gson-java libsurefire-java ' +
    ['clean', 'compiler', 'jar', 'resources', 'shade']
      .map((name) => `libmaven-${name}-plugin-java`)
      .join(' '),
  // Maven 3.8 gives plugins without a plexus-utils of their own 1.1, which Debian does not have.
  `cp -rL /usr/share/maven-repo repository; cd repository/org/codehaus/plexus/plexus-utils; mkdir 1.1
cp debian/plexus-utils-debian.jar 1.1/plexus-utils-1.1.jar
sed 's,<version>debian</version>,<version>1.1</version>,' debian/plexus-utils-debian.pom > 1.1/plexus-utils-1.1.pom`,
)

/** The same for Gradle; it needs `gradleRepository`. */
export const gradleApp: Files = {
  ...javaServer,
  'build.gradle': `apply plugin: 'java'
repositories { maven { url "$projectDir/repository" } }
dependencies { compile 'com.google.code.gson:gson:debian' }
jar {
  manifest { attributes 'Main-Class': 'shop.Main' }
  from { configurations.runtimeClasspath.collect { zipTree(it) } }
}
`,
}

export const gradleRepository = withDebian(
  'libgoogle-gson-java',
  'mkdir -p repository/com/google/code; cp -rL /usr/share/maven-repo/com/google/code/gson repository/com/google/code',
)
