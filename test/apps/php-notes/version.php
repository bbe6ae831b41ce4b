<?php
return 'notes 1';
