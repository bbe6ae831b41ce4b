# Makes gems of what Debian's ruby-* packages have installed, and of what they need: gems.rb FOLDER NAME…
require 'fileutils'
require 'rubygems/package'
require 'tmpdir'

target, *wanted = ARGV
FileUtils.mkdir_p(target)

# Where Debian has put a file of a gem → where the gem has it.
def place(file)
  case file
  when %r{^/usr/lib/ruby/vendor_ruby/(.*)}, %r{^/usr/lib/[^/]+/ruby/vendor_ruby/[\d.]+/(.*)} then "lib/#{$1}"
  when %r{^/usr/share/rubygems-integration/[^/]+/gems/[^/]+/(.*)} then $1
  when %r{^/usr/bin/(.*)} then "bin/#{$1}"
  end
end

def gem_of(spec, target)
  package = `dpkg -S #{spec.loaded_from}`[/^[^:,]+/]
  Dir.mktmpdir do |folder|
    placed = `dpkg -L #{package}`.split("\n").select { |file| File.file?(file) && place(file) }
    # What Debian has in /usr/bin may only start what is in the gem's own bin, which comes after it.
    placed.sort_by! { |file| file.start_with?('/usr/bin/') ? 0 : 1 }
    placed.each do |file|
      FileUtils.mkdir_p(File.dirname("#{folder}/#{place(file)}"))
      FileUtils.cp(file, "#{folder}/#{place(file)}")
    end
    made = Gem::Specification.new(spec.name, spec.version) do |one|
      one.summary = one.authors = spec.name
      one.files = placed.map { |file| place(file) }.uniq
      one.executables = spec.executables.select { |name| one.files.include?("bin/#{name}") }
      one.platform = Gem::Platform.local if placed.any? { |file| file.end_with?('.so') }
      spec.runtime_dependencies.each { |other| one.add_dependency(other.name, *other.requirement.as_list) }
    end
    Dir.chdir(folder) { FileUtils.mv(Gem::Package.build(made, true), target) }
  end
end

known = {}
until wanted.empty?
  name = wanted.shift
  next if known[name]
  spec = known[name] = Gem::Specification.find_by_name(name)
  wanted.concat(spec.runtime_dependencies.map(&:name))
  gem_of(spec, File.expand_path(target)) unless spec.default_gem?
end
