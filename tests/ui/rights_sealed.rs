//! Nobody claims that memory which is mapped read-only can be written.

use tablature::attr::{Access, Rights};
use tablature::edit::{CanRead, CanWrite, Granted};

struct Mine;

impl Granted for Mine {
    const ACCESS: Access = Access::kernel(Rights::R);
}

impl CanRead for Mine {}

impl CanWrite for Mine {}

fn main() {}
