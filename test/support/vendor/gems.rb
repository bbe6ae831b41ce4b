# Makes gems of what Debian's packages have installed, with all that they need: gems.rb FOLDER NAME…
require "fileutils"
require "rubygems/package"
require "tmpdir"

# Where a file of a package goes in a gem: Debian puts them beside each other, or in a folder for each.
def place(path)
  path[%r{/rubygems-integration/.+/gems/[^/]+/(.+)}, 1] ||
    path[%r{(?:/rubygems-integration/.+/extensions/.+/[\d.]+/[^/]+|/ruby/vendor_ruby(?:/\d[\d.]*)?)/(.+)}, 1]&.then { "lib/#{_1}" }
end

def libraries(file) = `ldd #{file} 2>&1`.scan(%r{=> (/\S+)}).flatten

# Native code brings its libraries along, except those that Ruby needs itself.
def bundle_libraries(file)
  added = (libraries(file) - libraries("/usr/bin/ruby")).each { FileUtils.cp _1, File.dirname(file) }
  return if added.empty?
  copies = added.map { File.join(File.dirname(file), File.basename(_1)) }
  system("patchelf", "--set-rpath", "$ORIGIN", file, *copies, exception: true)
end

def copy(spec)
  package = `dpkg -S #{spec.loaded_from}`.split(":").first
  `dpkg -L #{package}`.split("\n").each do |path|
    inside = place(path)
    next if inside.nil? || !File.file?(path)
    FileUtils.mkdir_p File.dirname(inside)
    FileUtils.cp path, inside
  end
  Dir["**/*.so"].each { bundle_libraries _1 }
  Gem::Specification.new do |gem|
    gem.name, gem.version, gem.summary, gem.authors = spec.name, spec.version, spec.summary, ["Debian"]
    gem.files = Dir["**/*"].select { File.file? _1 }
    gem.bindir, gem.require_paths = spec.bindir, spec.require_paths.grep_v(%r{^/}) | ["lib"]
    gem.executables = spec.executables.select { File.exist? "#{spec.bindir}/#{_1}" }
    spec.runtime_dependencies.each { gem.add_runtime_dependency _1.name, *_1.requirements_list }
  end
end

def needed(names, found = {})
  (names - found.keys).each do |name|
    found[name] = Gem::Specification.find_by_name(name)
    needed(found[name].runtime_dependencies.map(&:name), found)
  end
  found.values.reject(&:default_gem?)
end

target = File.expand_path(ARGV.shift)
FileUtils.mkdir_p target
needed(ARGV).each do |spec|
  Dir.mktmpdir { |folder| Dir.chdir(folder) { FileUtils.mv Gem::Package.build(copy(spec), true), target } }
end
